# Lists the test cases of a Catch2 binary and writes a ctest file with one test per case (cmake -P, after each link).
# Inputs: executable, target, output, timeout (seconds). A case tagged [long] gets the label `long` beside the binary's name.
cmake_minimum_required(VERSION 3.25)
function(list_cases variable)
  execute_process(COMMAND ${executable} ${ARGN} --list-test-names-only OUTPUT_VARIABLE text ERROR_VARIABLE errors RESULT_VARIABLE count)
  # Catch2 v2 exits with the number of cases here; a name is a line.
  if(NOT count MATCHES "^[0-9]+$")
    message(FATAL_ERROR "${executable} --list-test-names-only: ${count}\n${errors}")
  endif()
  string(REGEX REPLACE "[;\n]+" ";" names "${text}")
  list(REMOVE_ITEM names "")
  set(${variable} "${names}" PARENT_SCOPE)
endfunction()

list_cases(cases)
list_cases(long_cases "[long]")
set(script "")
foreach(case IN LISTS cases)
  string(REGEX REPLACE "([],[\\\\])" "\\\\\\1" pattern "${case}")  # characters that Catch2 reads as syntax
  set(labels ${target})
  set(seconds ${timeout})
  if(case IN_LIST long_cases)
    list(APPEND labels long)
    math(EXPR seconds "24 * ${timeout}")
  endif()
  string(APPEND script
    "add_test([==[${target}: ${case}]==] [==[${executable}]==] [==[${pattern}]==])\n"
    "set_tests_properties([==[${target}: ${case}]==] PROPERTIES SKIP_REGULAR_EXPRESSION [==[(^|\n)SKIPPED: ]==]"
    " TIMEOUT ${seconds} LABELS [==[${labels}]==])\n")
endforeach()
file(WRITE ${output} "${script}")
