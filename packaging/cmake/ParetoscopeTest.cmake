# SPDX-License-Identifier: Apache-2.0
include_guard(GLOBAL)

# paretoscope_add_test(<name> LABELS <module>... LIBRARIES <target>... [FILE <file>] [SOURCES <file>...])
# A Qt Test program tst_<name> from FILE (tst_<name>.cpp) in the current folder, registered with CTest.
function(paretoscope_add_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "FILE" "LABELS;LIBRARIES;SOURCES")
    set(target "tst_${name}")
    if(NOT arg_FILE)
        set(arg_FILE "${target}.cpp")
    endif()
    add_executable(${target} "${arg_FILE}" ${arg_SOURCES})
    _paretoscope_moc(${target} "${arg_FILE}")
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
    target_link_libraries(${target} PRIVATE paretoscope_options Qt6::Test ${arg_LIBRARIES})
    target_include_directories(${target} PRIVATE "${CMAKE_SOURCE_DIR}")
    # The same false warning as in paretoscope_options, which a precompiled <string> brings out in two more shapes.
    target_compile_options(${target} PRIVATE "$<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds;-Wno-stringop-overflow>")
    target_compile_definitions(${target} PRIVATE
        PARETOSCOPE_TEST_DATA="${CMAKE_SOURCE_DIR}/tests/data" PARETOSCOPE_BUILD_TREE="${CMAKE_BINARY_DIR}"
        PARETOSCOPE_RESOURCES="${CMAKE_SOURCE_DIR}/resources")
    # Precompiled headers of tests; those of the window bring their own.
    if("Paretoscope::engine" IN_LIST arg_LIBRARIES)
        target_precompile_headers(${target} REUSE_FROM paretoscope_engine_test_headers)
    elseif(NOT "paretoscope_gui_fixture" IN_LIST arg_LIBRARIES)
        target_precompile_headers(${target} REUSE_FROM paretoscope_test_headers)
    endif()
    add_test(NAME ${name} COMMAND ${target})
    set_tests_properties(${name} PROPERTIES
        LABELS "${arg_LABELS}"
        ENVIRONMENT "QT_QPA_PLATFORM=offscreen;PARETOSCOPE_PREFIX=${CMAKE_BINARY_DIR};OMP_WAIT_POLICY=passive"
        TIMEOUT 300)
endfunction()

# Makes the .moc that FILE includes at its end. CMake's AUTOMOC takes ten times as long for every program.
function(_paretoscope_moc target file)
    get_filename_component(stem "${file}" NAME_WE)
    set(folder "${CMAKE_CURRENT_BINARY_DIR}/${target}_moc")
    set(definitions "$<TARGET_PROPERTY:${target},COMPILE_DEFINITIONS>")
    add_custom_command(OUTPUT "${folder}/${stem}.moc"
        COMMAND Qt6::moc "$<$<BOOL:${definitions}>:-D$<JOIN:${definitions},;-D>>" "${CMAKE_CURRENT_SOURCE_DIR}/${file}"
            -o "${folder}/${stem}.moc"
        DEPENDS "${file}" COMMENT "Generating ${stem}.moc" VERBATIM COMMAND_EXPAND_LISTS)
    target_sources(${target} PRIVATE "${folder}/${stem}.moc")
    target_include_directories(${target} PRIVATE "${folder}")
endfunction()
