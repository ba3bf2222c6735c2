// The one main of every test binary (Catch2 v2.13).
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
