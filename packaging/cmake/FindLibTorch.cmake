# SPDX-License-Identifier: Apache-2.0
# Imported targets LibTorch::cpu and, where the package holds it, LibTorch::cuda.
#
# torch's own CMake package insists on a CUDA toolkit; this one only needs the unpacked PyPI package
# (packaging/fetch-libtorch.py). Looks in LIBTORCH_ROOT (variable or environment), then in the cache folder of that script.
set(_libtorch_cache "$ENV{XDG_CACHE_HOME}")
if(NOT _libtorch_cache)
    set(_libtorch_cache "$ENV{HOME}/.cache")
endif()
file(STRINGS "${CMAKE_CURRENT_LIST_DIR}/../libtorch.lock" _libtorch_lock REGEX "^version=")
string(REPLACE "version=" "" LibTorch_PINNED_VERSION "${_libtorch_lock}")

find_path(LIBTORCH_PACKAGE NAMES lib/libtorch_cpu.so
    HINTS "${LIBTORCH_ROOT}/torch" "${LIBTORCH_ROOT}" "$ENV{LIBTORCH_ROOT}/torch" "$ENV{LIBTORCH_ROOT}"
          "${_libtorch_cache}/paretoscope/libtorch-${LibTorch_PINNED_VERSION}/torch"
    NO_DEFAULT_PATH
    DOC "folder of the unpacked torch package")
if(LIBTORCH_PACKAGE AND EXISTS "${LIBTORCH_PACKAGE}/version.py")
    file(STRINGS "${LIBTORCH_PACKAGE}/version.py" _libtorch_version REGEX "^__version__")
    string(REGEX MATCH "[0-9]+\\.[0-9]+\\.[0-9]+" LibTorch_VERSION "${_libtorch_version}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch REQUIRED_VARS LIBTORCH_PACKAGE VERSION_VAR LibTorch_VERSION)

if(LibTorch_FOUND AND NOT TARGET LibTorch::cpu)
    add_library(LibTorch::c10 SHARED IMPORTED)
    # Searched after the system's folders: the package brings headers of its own fmt, which must not meet spdlog.
    # at::parallel_for is a template over OpenMP: without -fopenmp it silently runs everything on one thread.
    set_target_properties(LibTorch::c10 PROPERTIES
        IMPORTED_LOCATION "${LIBTORCH_PACKAGE}/lib/libc10.so"
        INTERFACE_COMPILE_OPTIONS
            "SHELL:-idirafter ${LIBTORCH_PACKAGE}/include;$<$<COMPILE_LANGUAGE:CXX>:-fopenmp>")
    # The OpenMP run time that libtorch itself uses; with a second one, operators would not know that they are called
    # from a parallel region.
    add_library(LibTorch::openmp SHARED IMPORTED)
    set_target_properties(LibTorch::openmp PROPERTIES
        IMPORTED_LOCATION "${LIBTORCH_PACKAGE}/lib/libgomp.so.1"
        IMPORTED_SONAME libgomp.so.1)
    add_library(LibTorch::cpu SHARED IMPORTED)
    set_target_properties(LibTorch::cpu PROPERTIES
        IMPORTED_LOCATION "${LIBTORCH_PACKAGE}/lib/libtorch_cpu.so"
        INTERFACE_LINK_LIBRARIES "LibTorch::c10;LibTorch::openmp")
    # libtorch_cpu finds its own companions through its RPATH; the linker must not insist on resolving them.
    target_link_options(LibTorch::cpu INTERFACE "-Wl,--allow-shlib-undefined")
    if(EXISTS "${LIBTORCH_PACKAGE}/lib/libtorch_cuda.so")
        add_library(LibTorch::cuda SHARED IMPORTED)
        set_target_properties(LibTorch::cuda PROPERTIES
            IMPORTED_LOCATION "${LIBTORCH_PACKAGE}/lib/libtorch_cuda.so"
            INTERFACE_LINK_LIBRARIES LibTorch::cpu)
    endif()
endif()
mark_as_advanced(LIBTORCH_PACKAGE)
