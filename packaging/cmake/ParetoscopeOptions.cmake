# SPDX-License-Identifier: Apache-2.0
# Build-wide settings: the interface target paretoscope_options, tri-state options, the output tree, dependencies.
include_guard(GLOBAL)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_VISIBILITY_PRESET default)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
# Executables and libraries share one precompiled ATen header, which GCC only accepts with one and the same -fPIC.
set(CMAKE_CXX_COMPILE_OPTIONS_PIE "-fPIC")
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "build type" FORCE)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

# The build tree has the shape of the installed tree, so that both find plugins, worker and resources the same way.
set(PARETOSCOPE_LIBEXEC_DIR "libexec/paretoscope")
set(PARETOSCOPE_PLUGIN_DIR "lib/paretoscope/plugins")
set(PARETOSCOPE_DATA_DIR "share/paretoscope")
set(CMAKE_INSTALL_LIBDIR "lib")
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib/static")

find_program(PARETOSCOPE_CCACHE ccache)
if(PARETOSCOPE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    # Paths relative to the build folder, so that the presets and a second clone share what they have in common.
    set(CMAKE_CXX_COMPILER_LAUNCHER
        "env;CCACHE_BASEDIR=${CMAKE_SOURCE_DIR};CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime;CCACHE_NOHASHDIR=1;${PARETOSCOPE_CCACHE}")
endif()
find_program(PARETOSCOPE_MOLD mold)
find_program(PARETOSCOPE_LLD ld.lld)
if(PARETOSCOPE_MOLD)
    add_link_options(-fuse-ld=mold)
elseif(PARETOSCOPE_LLD)
    add_link_options(-fuse-ld=lld)
endif()

option(PARETOSCOPE_WERROR "treat warnings as errors" OFF)
set(PARETOSCOPE_SANITIZE "" CACHE STRING "sanitizers, e.g. address,undefined or thread")

add_library(paretoscope_options INTERFACE)
target_compile_options(paretoscope_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion)
# GCC 12 warns falsely about string concatenation (its bug 105651).
target_compile_options(paretoscope_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
if(PARETOSCOPE_WERROR)
    target_compile_options(paretoscope_options INTERFACE -Werror)
endif()
target_compile_definitions(paretoscope_options INTERFACE QT_NO_KEYWORDS QT_NO_CAST_FROM_ASCII QT_NO_CAST_TO_ASCII)
if(PARETOSCOPE_SANITIZE)
    # Directory-wide on purpose: every object, the precompiled header and every link step must agree.
    add_compile_options("-fsanitize=${PARETOSCOPE_SANITIZE}" -fno-omit-frame-pointer)
    add_link_options("-fsanitize=${PARETOSCOPE_SANITIZE}")
endif()

# Declares NAME as AUTO (default), ON or OFF; the outcome is PARETOSCOPE_WITH_* after paretoscope_find_dependencies().
function(paretoscope_option name text)
    set(${name} AUTO CACHE STRING "Build ${text}: AUTO, ON or OFF")
    set_property(CACHE ${name} PROPERTY STRINGS AUTO ON OFF)
    if(NOT "${${name}}" MATCHES "^(AUTO|ON|OFF)$")
        message(FATAL_ERROR "${name}=${${name}}: use AUTO, ON or OFF")
    endif()
endfunction()

# Sets PARETOSCOPE_WITH_<part> from the option and whether its dependency was found.
function(paretoscope_resolve part found missing)
    set(wanted "${PARETOSCOPE_${part}}")
    if(wanted STREQUAL "ON" AND NOT found)
        message(FATAL_ERROR "PARETOSCOPE_${part}=ON, but ${missing}")
    endif()
    if(wanted STREQUAL "OFF")
        set(result OFF)
        set(reason "switched off")
    elseif(found)
        set(result ON)
        set(reason "")
    else()
        set(result OFF)
        set(reason "${missing}")
    endif()
    set(PARETOSCOPE_WITH_${part} ${result} PARENT_SCOPE)
    set(PARETOSCOPE_WITH_${part} ${result} CACHE INTERNAL "")
    set(PARETOSCOPE_REASON_${part} "${reason}" CACHE INTERNAL "")
endfunction()

macro(paretoscope_find_dependencies)
    find_package(Threads REQUIRED)
    find_package(PkgConfig REQUIRED)
    find_package(SQLite3 REQUIRED)
    find_package(spdlog REQUIRED)
    find_package(nlohmann_json REQUIRED)
    find_package(yaml-cpp REQUIRED)
    find_package(OpenSSL REQUIRED COMPONENTS Crypto)
    find_package(ICU REQUIRED COMPONENTS uc i18n)
    find_package(CLI11 REQUIRED)
    pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
    pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
    find_package(Qt6 6.4 REQUIRED COMPONENTS Core)
    if(BUILD_TESTING)
        find_package(Qt6 6.4 REQUIRED COMPONENTS Test)
        # Beside it Qt defines two folders of the test, for QFINDTESTDATA; with them no precompiled header could be shared.
        set_property(TARGET Qt6::Test PROPERTY INTERFACE_COMPILE_DEFINITIONS QT_TESTLIB_LIB)
    endif()

    find_package(Qt6 6.4 QUIET COMPONENTS Widgets Concurrent DBus PrintSupport Svg LinguistTools)
    find_package(QCustomPlotQt6 QUIET)
    if(Qt6Widgets_FOUND AND Qt6Concurrent_FOUND AND Qt6DBus_FOUND AND Qt6PrintSupport_FOUND AND Qt6Svg_FOUND
       AND QCustomPlotQt6_FOUND)
        set(_gui TRUE)
    else()
        set(_gui FALSE)
    endif()
    paretoscope_resolve(GUI ${_gui} "Qt 6 Widgets, Concurrent, DBus, PrintSupport, Svg or QCustomPlot (Qt 6 build) was not found")

    set(_engine FALSE)
    if(NOT PARETOSCOPE_ENGINE STREQUAL "OFF")
        find_package(LibTorch)
        set(_engine ${LibTorch_FOUND})
    endif()
    paretoscope_resolve(ENGINE ${_engine} "libtorch was not found (run packaging/fetch-libtorch.py or set LIBTORCH_ROOT)")

    set(_cuda FALSE)
    # The sanitizers' options are not for nvcc.
    if(NOT PARETOSCOPE_CUDA STREQUAL "OFF" AND PARETOSCOPE_WITH_ENGINE AND NOT PARETOSCOPE_SANITIZE)
        find_program(PARETOSCOPE_NVCC nvcc
            HINTS "$ENV{CUDA_PATH}/bin" "$ENV{CUDA_HOME}/bin" /usr/local/cuda/bin DOC "CUDA compiler")
        if(PARETOSCOPE_NVCC AND NOT DEFINED ENV{CUDACXX})
            set(ENV{CUDACXX} "${PARETOSCOPE_NVCC}")
        endif()
        set(CMAKE_CUDA_ARCHITECTURES "80-real;90") # the compiler's own default may be one that it no longer knows
        include(CheckLanguage)
        check_language(CUDA)
        if(CMAKE_CUDA_COMPILER)
            enable_language(CUDA)
            set(_cuda TRUE)
        endif()
    endif()
    paretoscope_resolve(CUDA ${_cuda} "no CUDA compiler was found, the engine is off, or a sanitizer is on")
endmacro()

function(paretoscope_print_summary)
    message(STATUS "Paretoscope ${PROJECT_VERSION} (${CMAKE_BUILD_TYPE})")
    foreach(part GUI ENGINE CUDA)
        if(PARETOSCOPE_WITH_${part})
            message(STATUS "  ${part}: ON")
        else()
            message(STATUS "  ${part}: OFF (${PARETOSCOPE_REASON_${part}})")
        endif()
    endforeach()
endfunction()

# Lets TARGET find its libraries from any prefix: DEPTH is the number of folders between its own and the prefix.
function(paretoscope_relocatable target up)
    set_target_properties(${target} PROPERTIES
        BUILD_RPATH "$ORIGIN/${up}lib"
        INSTALL_RPATH "$ORIGIN/${up}lib"
        INSTALL_RPATH_USE_LINK_PATH ON)
endfunction()
