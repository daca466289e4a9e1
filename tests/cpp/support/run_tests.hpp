#pragma once

/// Catch's main().
int run_tests(int count, char* arguments[]);
