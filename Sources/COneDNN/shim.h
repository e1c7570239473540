#pragma once
#include <dnnl.h>

// oneDNN's threading here is OpenMP (Debian builds it with libgomp). <omp.h> lives in a compiler-private
// folder that the Swift importer does not search, so the one function needed is declared here.
void omp_set_num_threads(int threads);
