#define NOVASR_ROW_KERNELS kAvx2RowKernels
#include "row_kernels_body.inl"
