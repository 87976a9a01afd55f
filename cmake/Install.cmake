# SPDX-License-Identifier: MIT
# What `cmake --install` puts where: two components, since the agent goes into guests and the rest onto the host.
include(GNUInstallDirs)
# Relative ones follow the prefix, that of `cmake --install --prefix` too.
set(HOSPES_SYSTEMD_DIR lib/systemd CACHE STRING "systemd units lie in its system/ and user/")
set(HOSPES_UDEV_DIR lib/udev/rules.d CACHE STRING "udev rules")
set(HOSPES_MODULES_LOAD_DIR lib/modules-load.d CACHE STRING "Modules to load at boot")
option(HOSPES_INSTALL_OPENRC "Install the OpenRC script of the agent as well" OFF)

install(TARGETS hospes-agent RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT agent)
install(FILES systemd/hospes-modules.conf DESTINATION ${HOSPES_MODULES_LOAD_DIR} RENAME hospes.conf COMPONENT agent)
install(FILES systemd/60-hospes.rules DESTINATION ${HOSPES_UDEV_DIR} COMPONENT agent)
if(HOSPES_INSTALL_OPENRC)
    install(PROGRAMS systemd/hospes-agent.openrc DESTINATION ${CMAKE_INSTALL_SYSCONFDIR}/init.d RENAME hospes-agent
            COMPONENT agent)
endif()

# Units name the program's full path, which is known when the prefix is: at installation.
function(hospes_install_unit unit kind component)
    install(CODE "
        file(READ \"${PROJECT_SOURCE_DIR}/systemd/${unit}\" text)
        string(REPLACE \"ExecStart=/usr/bin/\" \"ExecStart=\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/\" text \"\${text}\")
        file(WRITE \"${PROJECT_BINARY_DIR}/systemd/${unit}\" \"\${text}\")"
        COMPONENT ${component})
    install(FILES ${PROJECT_BINARY_DIR}/systemd/${unit} DESTINATION ${HOSPES_SYSTEMD_DIR}/${kind} COMPONENT ${component})
endfunction()
hospes_install_unit(hospes-agent.service system agent)
if(HOSPES_BRIDGE)
    install(TARGETS hospes-bridge hospes RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT host)
    hospes_install_unit(hospes-bridge.service user host)
endif()

install(FILES packaging/man/hospes-agent.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8 COMPONENT agent)
if(HOSPES_BRIDGE)
    install(FILES packaging/man/hospes.1 packaging/man/hospes-bridge.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT host)
    install(FILES packaging/completions/hospes.bash RENAME hospes
            DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT host)
    install(FILES packaging/completions/_hospes DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions COMPONENT host)
    install(FILES packaging/completions/hospes.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT host)
endif()

# hospes-send: in guests, beside the agent.
install(TARGETS hospes-send RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT agent)
install(FILES packaging/man/hospes-send.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT agent)
install(FILES packaging/completions/hospes-send.bash RENAME hospes-send
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT agent)
install(FILES packaging/completions/_hospes-send DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions COMPONENT agent)
install(FILES packaging/completions/hospes-send.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT agent)
install(PROGRAMS packaging/file-manager/send-to-host.nautilus DESTINATION ${CMAKE_INSTALL_DATADIR}/hospes/file-manager COMPONENT agent)
install(FILES packaging/file-manager/thunar-action.xml DESTINATION ${CMAKE_INSTALL_DATADIR}/hospes/file-manager COMPONENT agent)
# Dolphin takes menus of services only from programs and files that may be executed.
install(PROGRAMS packaging/file-manager/hospes-send.desktop DESTINATION ${CMAKE_INSTALL_DATADIR}/kio/servicemenus COMPONENT agent)
