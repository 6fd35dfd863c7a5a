# SPDX-License-Identifier: Apache-2.0
# find_package(Paretoscope) in a project of plugins: the libraries of this installation and paretoscope_add_plugin().
get_filename_component(_paretoscope_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

include(CMakeFindDependencyMacro)
find_dependency(nlohmann_json)
list(APPEND CMAKE_MODULE_PATH "${CMAKE_CURRENT_LIST_DIR}/modules")
find_dependency(LibTorch)

foreach(_part core engine)
    if(NOT TARGET Paretoscope::${_part})
        add_library(Paretoscope::${_part} SHARED IMPORTED)
        set_target_properties(Paretoscope::${_part} PROPERTIES
            IMPORTED_LOCATION "${_paretoscope_prefix}/lib/libparetoscope_${_part}.so"
            INTERFACE_INCLUDE_DIRECTORIES "${_paretoscope_prefix}/include/paretoscope"
            INTERFACE_COMPILE_FEATURES cxx_std_20)
    endif()
endforeach()
set_target_properties(Paretoscope::core PROPERTIES INTERFACE_LINK_LIBRARIES nlohmann_json::nlohmann_json)
set_target_properties(Paretoscope::engine PROPERTIES INTERFACE_LINK_LIBRARIES "Paretoscope::core;LibTorch::cpu")

include("${CMAKE_CURRENT_LIST_DIR}/modules/ParetoscopePlugin.cmake")
