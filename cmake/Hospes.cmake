# SPDX-License-Identifier: MIT
# What every target of the project has in common.
add_library(hospes_options INTERFACE)
target_include_directories(hospes_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(hospes_options INTERFACE _GNU_SOURCE HOSPES_VERSION="${PROJECT_VERSION}")
target_compile_options(hospes_options INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings
    -Wvla -Wundef -Wformat=2 -Wno-unused-parameter -fno-strict-aliasing -fstack-protector-strong)
if(HOSPES_WERROR)
    target_compile_options(hospes_options INTERFACE -Werror)
endif()
if(HOSPES_SANITIZE)
    target_compile_options(hospes_options INTERFACE -fsanitize=${HOSPES_SANITIZE} -fno-omit-frame-pointer
                           -fno-sanitize-recover=all)
    target_link_options(hospes_options INTERFACE -fsanitize=${HOSPES_SANITIZE})
endif()
if(HOSPES_FUZZ)
    target_compile_options(hospes_options INTERFACE -fsanitize=fuzzer-no-link -UNDEBUG) # assertions are what is looked for
    target_link_options(hospes_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# hospes_library(NAME SOURCES a.c b.c LIBRARIES x y)
function(hospes_library name)
    cmake_parse_arguments(arg "" "" "SOURCES;LIBRARIES" ${ARGN})
    add_library(${name} STATIC ${arg_SOURCES})
    target_link_libraries(${name} PUBLIC hospes_options ${arg_LIBRARIES})
endfunction()

# hospes_unit_test(NAME SOURCES a_test.c LIBRARIES x [LABELS quick]): one cmocka program
function(hospes_unit_test name)
    cmake_parse_arguments(arg "" "" "SOURCES;LIBRARIES;LABELS" ${ARGN})
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE hospes_options ${arg_LIBRARIES} PkgConfig::CMOCKA)
    add_test(NAME ${name} COMMAND ${name})
    if(NOT arg_LABELS)
        set(arg_LABELS unit)
    endif()
    set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT 120)
endfunction()
