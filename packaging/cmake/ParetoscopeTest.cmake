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
    # Qt 6.4's moc stumbles over GCC 12's <concepts> where that header comes first; its include guard keeps moc out.
    set_target_properties(${target} PROPERTIES AUTOMOC ON RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests"
        AUTOMOC_MOC_OPTIONS "-D_GLIBCXX_CONCEPTS")
    target_link_libraries(${target} PRIVATE paretoscope_options Qt6::Test ${arg_LIBRARIES})
    target_include_directories(${target} PRIVATE "${CMAKE_SOURCE_DIR}")
    target_compile_definitions(${target} PRIVATE
        PARETOSCOPE_TEST_DATA="${CMAKE_SOURCE_DIR}/tests/data" PARETOSCOPE_BUILD_TREE="${CMAKE_BINARY_DIR}"
        PARETOSCOPE_RESOURCES="${CMAKE_SOURCE_DIR}/resources")
    if("Paretoscope::engine" IN_LIST arg_LIBRARIES)
        target_precompile_headers(${target} REUSE_FROM paretoscope_aten)
    endif()
    add_test(NAME ${name} COMMAND ${target})
    set_tests_properties(${name} PROPERTIES
        LABELS "${arg_LABELS}"
        ENVIRONMENT "QT_QPA_PLATFORM=offscreen;PARETOSCOPE_PREFIX=${CMAKE_BINARY_DIR};OMP_WAIT_POLICY=passive"
        TIMEOUT 300)
endfunction()
