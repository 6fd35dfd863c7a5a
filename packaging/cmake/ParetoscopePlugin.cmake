# SPDX-License-Identifier: Apache-2.0
# Also installed, for plugins outside this tree: their folder of plugins is <build>/plugins.
include_guard(GLOBAL)

# paretoscope_add_plugin(<family>/<method> SOURCES <file>... [LIBRARIES <target>...])
# One loadable method: the MODULE and its manifest.json side by side, in the build tree as in the installed one.
# The arithmetic is compiled into the object library <family>_<method>_method, which the method's test links too.
# Without the engine only the manifest is there: enough to read sweep files and to name the methods of a project.
function(paretoscope_add_plugin id)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBRARIES")
    string(REPLACE "/" "_" name "${id}")
    if(NOT TARGET paretoscope_options)
        _paretoscope_plugin("${id}" "${CMAKE_BINARY_DIR}/plugins/${id}" SOURCES ${arg_SOURCES} LIBRARIES ${arg_LIBRARIES})
        return()
    endif()
    _paretoscope_plugin("${id}" "${CMAKE_BINARY_DIR}/${PARETOSCOPE_PLUGIN_DIR}/${id}"
        SOURCES ${arg_SOURCES} LIBRARIES ${arg_LIBRARIES})
    install(FILES "${CMAKE_CURRENT_SOURCE_DIR}/manifest.json" DESTINATION "${PARETOSCOPE_PLUGIN_DIR}/${id}")
    if(TARGET ${name})
        paretoscope_relocatable(${name} "../../../../../")
        install(TARGETS ${name} LIBRARY DESTINATION "${PARETOSCOPE_PLUGIN_DIR}/${id}")
    endif()
endfunction()

# paretoscope_add_test_plugin(<family>/<method> SOURCES <file>... [LIBRARIES <target>...])
# The same for a method that only tests load: below <build>/tests/plugins, never installed.
function(paretoscope_add_test_plugin id)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBRARIES")
    _paretoscope_plugin("${id}" "${CMAKE_BINARY_DIR}/tests/plugins/${id}"
        SOURCES ${arg_SOURCES} LIBRARIES ${arg_LIBRARIES})
endfunction()

function(_paretoscope_plugin id folder)
    cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "SOURCES;LIBRARIES")
    string(REPLACE "/" "_" name "${id}")
    set(manifest "${CMAKE_CURRENT_SOURCE_DIR}/manifest.json")
    file(SHA256 "${manifest}" hash)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${manifest}")
    configure_file("${manifest}" "${folder}/manifest.json" COPYONLY)
    if(NOT TARGET Paretoscope::engine)
        return()
    endif()

    add_library(${name}_method OBJECT ${arg_SOURCES})
    target_link_libraries(${name}_method PUBLIC Paretoscope::engine ${arg_LIBRARIES})
    if(TARGET paretoscope_options)
        target_link_libraries(${name}_method PRIVATE paretoscope_options)
        target_precompile_headers(${name}_method REUSE_FROM paretoscope_aten)
    else()
        set_target_properties(${name}_method PROPERTIES POSITION_INDEPENDENT_CODE ON)
    endif()
    target_compile_definitions(${name}_method PRIVATE PARETOSCOPE_MANIFEST_SHA256="${hash}")

    add_library(${name} MODULE $<TARGET_OBJECTS:${name}_method>)
    target_link_libraries(${name} PRIVATE Paretoscope::engine ${arg_LIBRARIES})
    set_target_properties(${name} PROPERTIES PREFIX "" OUTPUT_NAME "plugin" LIBRARY_OUTPUT_DIRECTORY "${folder}"
        LINKER_LANGUAGE CXX)
endfunction()
