# SPDX-License-Identifier: Apache-2.0
# cmake -DPROGRAM=paretoscope -DSHARE=DIR -P WriteManuals.cmake: writes manual pages and completion scripts below DIR.
# Settings of the person who builds must not get into them.
set(ENV{XDG_CONFIG_HOME} /nonexistent)

function(write file)
    execute_process(COMMAND "${PROGRAM}" ${ARGN} OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
    file(WRITE "${SHARE}/${file}" "${text}")
endfunction()

execute_process(COMMAND "${PROGRAM}" help --json OUTPUT_VARIABLE help COMMAND_ERROR_IS_FATAL ANY)
string(JSON count LENGTH "${help}" verbs)
math(EXPR last "${count} - 1")
foreach(index RANGE ${last})
    string(JSON verb GET "${help}" verbs ${index} name)
    write("man/man1/paretoscope-${verb}.1" help ${verb} --man)
endforeach()
write("bash-completion/completions/paretoscope" completion bash)
write("zsh/site-functions/_paretoscope" completion zsh)
write("fish/vendor_completions.d/paretoscope.fish" completion fish)
write("man/man1/paretoscope.1" help --man) # last: its presence says that all of them are there
