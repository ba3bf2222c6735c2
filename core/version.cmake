# generated/core/version.hpp: what made this build. Included by the root CMakeLists.txt (defines target strata_version),
# and run by that target as a script (cmake -P) at every build, because the commit may have changed since the configure step.
# The header is rewritten only when its text changes.
if(NOT CMAKE_SCRIPT_MODE_FILE)
  string(TOUPPER "${CMAKE_BUILD_TYPE}" build_type_upper)
  get_directory_property(strata_directory_flags COMPILE_OPTIONS)
  list(FILTER strata_directory_flags EXCLUDE REGEX "^(-W|\\$<)")
  list(JOIN strata_directory_flags " " strata_directory_flags)
  string(JOIN " " strata_flags ${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${build_type_upper}} -std=c++20 ${strata_directory_flags}
    -ffp-contract=off ${STRATA_BASELINE})
  set(strata_version_command ${CMAKE_COMMAND}
    "-Dsource=${PROJECT_SOURCE_DIR}" "-Doutput=${PROJECT_BINARY_DIR}/generated/core/version.hpp"
    "-DSTRATA_VERSION=${PROJECT_VERSION}" "-DSTRATA_COMPILER=${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}"
    "-DSTRATA_FLAGS=${strata_flags}" "-DSTRATA_BUILD_TYPE=${CMAKE_BUILD_TYPE}" -P ${CMAKE_CURRENT_LIST_FILE})
  execute_process(COMMAND ${strata_version_command} COMMAND_ERROR_IS_FATAL ANY)
  add_custom_target(strata_version COMMAND ${strata_version_command}
    BYPRODUCTS ${PROJECT_BINARY_DIR}/generated/core/version.hpp COMMENT "Looking up the commit" VERBATIM)
  return()
endif()

# safe.directory: the tree may belong to another user than the one who builds (sudo); reading its commit runs nothing of that user's.
cmake_minimum_required(VERSION 3.25)
find_program(git git)
function(ask_git variable)
  execute_process(COMMAND ${git} -c safe.directory=* -C ${source} ${ARGN}
    OUTPUT_VARIABLE text RESULT_VARIABLE failed ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  set(${variable} "${text}" PARENT_SCOPE)
  set(git_failed ${failed} PARENT_SCOPE)
endfunction()

set(STRATA_COMMIT unknown)
set(STRATA_DIRTY false)
if(git AND EXISTS ${source}/.git)  # a tarball unpacked inside somebody else's repository has no .git of its own
  ask_git(commit rev-parse HEAD)
  if(git_failed EQUAL 0 AND commit MATCHES "^[0-9a-f]+$")
    set(STRATA_COMMIT ${commit})
    ask_git(changes --no-optional-locks status --porcelain)
    if(NOT changes STREQUAL "")
      set(STRATA_DIRTY true)
    endif()
  endif()
endif()
configure_file(${CMAKE_CURRENT_LIST_DIR}/version.hpp.in ${output} @ONLY)
