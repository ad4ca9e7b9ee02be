# ferry_layer(NAME DEPENDS … LIBRARIES …): one folder of src/, one static library, one row of the table in
# docs/architecture.md. Rooms are found by themselves: name.h, name.cc and name_test.cc. The test `layers` reads the same
# rows (PACKFERRY_LAYERS) and fails on any #include that they do not allow.
set_property(GLOBAL PROPERTY PACKFERRY_LAYERS "")

function(ferry_layer name)
  cmake_parse_arguments(LAYER "" "" "DEPENDS;LIBRARIES" ${ARGN})
  set_property(GLOBAL APPEND PROPERTY PACKFERRY_LAYERS "${name}:${LAYER_DEPENDS}")

  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(REMOVE_ITEM sources ${CMAKE_CURRENT_SOURCE_DIR}/main.cc)

  set(libraries ${LAYER_DEPENDS})
  list(TRANSFORM libraries PREPEND ferry_)
  if(sources)
    add_library(ferry_${name} STATIC ${sources})
    target_include_directories(ferry_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(ferry_${name} PUBLIC ${libraries} ${LAYER_LIBRARIES} fmt::fmt)
  else()
    add_library(ferry_${name} INTERFACE)
    target_include_directories(ferry_${name} INTERFACE ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(ferry_${name} INTERFACE ${libraries} ${LAYER_LIBRARIES} fmt::fmt)
  endif()

  if(PACKFERRY_TESTS AND tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE ferry_${name} ferry_testing GTest::gmock GTest::gtest_main)
    add_test(NAME ${name} COMMAND ${name}_test)
  endif()
endfunction()
