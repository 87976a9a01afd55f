# SPDX-License-Identifier: MIT
# What `cmake --install` puts where: two components, since the agent goes into guests and the rest onto the host.
include(GNUInstallDirs)
set(HOSPES_SYSTEMD_DIR "${CMAKE_INSTALL_PREFIX}/lib/systemd" CACHE PATH "systemd units lie in its system/ and user/")
set(HOSPES_UDEV_DIR "${CMAKE_INSTALL_PREFIX}/lib/udev/rules.d" CACHE PATH "udev rules")
set(HOSPES_MODULES_LOAD_DIR "${CMAKE_INSTALL_PREFIX}/lib/modules-load.d" CACHE PATH "Modules to load at boot")
option(HOSPES_INSTALL_OPENRC "Install the OpenRC script of the agent as well" OFF)

install(TARGETS hospes-agent RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT agent)
install(FILES systemd/hospes-modules.conf DESTINATION ${HOSPES_MODULES_LOAD_DIR} RENAME hospes.conf COMPONENT agent)
install(FILES systemd/60-hospes.rules DESTINATION ${HOSPES_UDEV_DIR} COMPONENT agent)
if(HOSPES_INSTALL_OPENRC)
    install(PROGRAMS systemd/hospes-agent.openrc DESTINATION ${CMAKE_INSTALL_SYSCONFDIR}/init.d RENAME hospes-agent
            COMPONENT agent)
endif()

# Units name the program's full path, which follows the prefix.
function(hospes_install_unit unit kind component)
    file(READ ${PROJECT_SOURCE_DIR}/systemd/${unit} text)
    string(REPLACE "ExecStart=/usr/bin/" "ExecStart=${CMAKE_INSTALL_FULL_BINDIR}/" text "${text}")
    file(WRITE ${PROJECT_BINARY_DIR}/systemd/${unit} "${text}")
    install(FILES ${PROJECT_BINARY_DIR}/systemd/${unit} DESTINATION ${HOSPES_SYSTEMD_DIR}/${kind} COMPONENT ${component})
endfunction()
hospes_install_unit(hospes-agent.service system agent)
if(HOSPES_BRIDGE)
    install(TARGETS hospes-bridge hospes RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT host)
    hospes_install_unit(hospes-bridge.service user host)
endif()

# Man pages and completions: whatever lies there, by its section and shell.
file(GLOB agent_pages CONFIGURE_DEPENDS packaging/man/hospes-agent.*)
file(GLOB all_pages CONFIGURE_DEPENDS packaging/man/*.[1-8])
foreach(page IN LISTS all_pages)
    string(REGEX REPLACE ".*\\.([1-8])$" "\\1" section "${page}")
    set(component host)
    if(page IN_LIST agent_pages)
        set(component agent)
    endif()
    install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section} COMPONENT ${component})
endforeach()

file(GLOB completions_bash CONFIGURE_DEPENDS packaging/completions/bash/*)
file(GLOB completions_zsh CONFIGURE_DEPENDS packaging/completions/zsh/*)
file(GLOB completions_fish CONFIGURE_DEPENDS packaging/completions/fish/*)
install(FILES ${completions_bash} DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT host)
install(FILES ${completions_zsh} DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions COMPONENT host)
install(FILES ${completions_fish} DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT host)
