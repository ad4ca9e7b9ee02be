# What every target is compiled with. Warnings are errors here and in CI; a packager may switch that off.
option(PACKFERRY_WERROR "Treat warnings as errors" ON)

add_compile_options(-Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Wold-style-cast
                    -Wimplicit-fallthrough -Wno-gnu-statement-expression
                    -Wno-string-conversion)  # clang's, of CHECK(!"said in words")
# g++ 12 wrongly suspects std::string, and a variant of one, at -O2 and above (GCC bugs 105562 and 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-Wno-maybe-uninitialized -Wno-restrict)
endif()
if(PACKFERRY_WERROR)
  add_compile_options(-Werror)
endif()

# Foreign bytes are our daily bread: the standard library checks its own preconditions in every build but the sanitized
# ones, where the sanitizers see more.
if(NOT PACKFERRY_SANITIZE)
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
  add_compile_options(-fstack-protector-strong -fstack-clash-protection)
  if(CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
    add_compile_definitions(_FORTIFY_SOURCE=2)
  endif()
  add_link_options(-Wl,-z,relro,-z,now)
else()
  add_compile_options(-fsanitize=${PACKFERRY_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${PACKFERRY_SANITIZE})
endif()

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # What one clone has compiled serves the next one, wherever it lies.
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD AND NOT PACKFERRY_NO_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
