#pragma once
#include <dnnl.h>
#include <stdint.h>
#include <stdlib.h>

// oneDNN's threading here is OpenMP (Debian builds it with libgomp). <omp.h> lives in a compiler-private
// folder that the Swift importer does not search, so the one function needed is declared here.
void omp_set_num_threads(int threads);

// What differs between oneDNN 2.6 (Debian 12) and 3.x (Debian 13), under one name each. In 2.x a memory descriptor
// is a struct and an operation is described before its primitive descriptor is made; in 3.x both are gone.

/// A memory descriptor on the heap; its owner calls onednn_layout_destroy.
typedef struct onednn_layout *onednn_layout_t;

#if DNNL_VERSION_MAJOR >= 3
#define ONEDNN_MD(layout) ((const_dnnl_memory_desc_t)(layout))
#else
#define ONEDNN_MD(layout) ((const dnnl_memory_desc_t *)(layout))
#endif

static inline dnnl_status_t onednn_layout_create(
    onednn_layout_t *layout, int rank, const int64_t *shape, dnnl_data_type_t type,
    dnnl_format_tag_t tag) {
#if DNNL_VERSION_MAJOR >= 3
  return dnnl_memory_desc_create_with_tag((dnnl_memory_desc_t *)layout, rank, shape, type, tag);
#else
  dnnl_memory_desc_t *descriptor = (dnnl_memory_desc_t *)malloc(sizeof *descriptor);
  if (!descriptor) return dnnl_out_of_memory;
  dnnl_status_t status = dnnl_memory_desc_init_by_tag(descriptor, rank, shape, type, tag);
  if (status != dnnl_success) free(descriptor);
  else *layout = (onednn_layout_t)descriptor;
  return status;
#endif
}

/// With the distance in numbers between neighbours in each dimension.
static inline dnnl_status_t onednn_layout_create_strided(
    onednn_layout_t *layout, int rank, const int64_t *shape, const int64_t *strides) {
#if DNNL_VERSION_MAJOR >= 3
  return dnnl_memory_desc_create_with_strides(
      (dnnl_memory_desc_t *)layout, rank, shape, dnnl_f32, strides);
#else
  dnnl_memory_desc_t *descriptor = (dnnl_memory_desc_t *)malloc(sizeof *descriptor);
  if (!descriptor) return dnnl_out_of_memory;
  dnnl_status_t status =
      dnnl_memory_desc_init_by_strides(descriptor, rank, shape, dnnl_f32, strides);
  if (status != dnnl_success) free(descriptor);
  else *layout = (onednn_layout_t)descriptor;
  return status;
#endif
}

static inline void onednn_layout_destroy(onednn_layout_t layout) {
#if DNNL_VERSION_MAJOR >= 3
  dnnl_memory_desc_destroy((dnnl_memory_desc_t)layout);
#else
  free(layout);
#endif
}

static inline int onednn_layout_equal(onednn_layout_t a, onednn_layout_t b) {
  return dnnl_memory_desc_equal(ONEDNN_MD(a), ONEDNN_MD(b));
}

/// Bytes with all padding.
static inline size_t onednn_layout_size(onednn_layout_t layout) {
  return dnnl_memory_desc_get_size(ONEDNN_MD(layout));
}

/// A copy of the layout of one of a primitive's tensors; one of 0 bytes where it has none.
static inline dnnl_status_t onednn_layout_of(
    onednn_layout_t *layout, const_dnnl_primitive_desc_t description, dnnl_query_t what) {
#if DNNL_VERSION_MAJOR >= 3
  const_dnnl_memory_desc_t found = dnnl_primitive_desc_query_md(description, what, 0);
  if (!found) return dnnl_invalid_arguments;
  return dnnl_memory_desc_clone((dnnl_memory_desc_t *)layout, found);
#else
  const dnnl_memory_desc_t *found = dnnl_primitive_desc_query_md(description, what, 0);
  if (!found) return dnnl_invalid_arguments;
  dnnl_memory_desc_t *copy = (dnnl_memory_desc_t *)malloc(sizeof *copy);
  if (!copy) return dnnl_out_of_memory;
  *copy = *found;
  *layout = (onednn_layout_t)copy;
  return dnnl_success;
#endif
}

static inline dnnl_status_t onednn_memory_create(
    dnnl_memory_t *memory, onednn_layout_t layout, dnnl_engine_t engine, void *address) {
  return dnnl_memory_create(memory, ONEDNN_MD(layout), engine, address);
}

/// Appends "add scale times what the destination held before", as numbers of a type of the destination's size.
static inline dnnl_status_t onednn_append_sum(
    dnnl_post_ops_t operations, float scale, dnnl_data_type_t type) {
#if DNNL_VERSION_MAJOR >= 3
  return dnnl_post_ops_append_sum(operations, scale, 0, type);
#else
  return dnnl_post_ops_append_sum_v2(operations, scale, type);
#endif
}

/// Appends "multiply by another tensor", which has sizes of 1 where it is repeated.
static inline dnnl_status_t onednn_append_multiply(
    dnnl_post_ops_t operations, onednn_layout_t factors) {
  return dnnl_post_ops_append_binary(operations, dnnl_binary_mul, ONEDNN_MD(factors));
}

/// The argument that is the other tensor of a post-operation.
static inline int onednn_post_operation_argument(int index) {
  return DNNL_ARG_ATTR_MULTIPLE_POST_OP(index) | DNNL_ARG_SRC_1;
}

/// Appends max(x, 0).
static inline dnnl_status_t onednn_append_relu(dnnl_post_ops_t operations) {
#if DNNL_VERSION_MAJOR >= 3
  return dnnl_post_ops_append_eltwise(operations, dnnl_eltwise_relu, 0.0f, 0.0f);
#else
  return dnnl_post_ops_append_eltwise(operations, 1.0f, dnnl_eltwise_relu, 0.0f, 0.0f);
#endif
}

static inline dnnl_status_t onednn_reorder(
    dnnl_primitive_desc_t *description, dnnl_engine_t engine, onednn_layout_t from,
    onednn_layout_t to, const_dnnl_primitive_attr_t attributes) {
  return dnnl_reorder_primitive_desc_create(
      description, ONEDNN_MD(from), engine, ONEDNN_MD(to), engine, attributes);
}

/// Strides and paddings of two dimensions; no dilation; oneDNN's direct algorithm.
static inline dnnl_status_t onednn_convolution_forward(
    dnnl_primitive_desc_t *description, dnnl_engine_t engine, dnnl_prop_kind_t kind,
    onednn_layout_t source, onednn_layout_t weights, onednn_layout_t bias,
    onednn_layout_t destination, const int64_t *strides, const int64_t *padding,
    const_dnnl_primitive_attr_t attributes) {
#if DNNL_VERSION_MAJOR >= 3
  const int64_t dilates[2] = {0, 0};
  return dnnl_convolution_forward_primitive_desc_create(
      description, engine, kind, dnnl_convolution_direct, ONEDNN_MD(source), ONEDNN_MD(weights),
      ONEDNN_MD(bias), ONEDNN_MD(destination), strides, dilates, padding, padding, attributes);
#else
  dnnl_convolution_desc_t operation;
  dnnl_status_t status = dnnl_convolution_forward_desc_init(
      &operation, kind, dnnl_convolution_direct, ONEDNN_MD(source), ONEDNN_MD(weights),
      ONEDNN_MD(bias), ONEDNN_MD(destination), strides, padding, padding);
  if (status != dnnl_success) return status;
  return dnnl_primitive_desc_create(description, &operation, attributes, engine, NULL);
#endif
}

static inline dnnl_status_t onednn_convolution_backward_data(
    dnnl_primitive_desc_t *description, dnnl_engine_t engine, onednn_layout_t source_gradient,
    onednn_layout_t weights, onednn_layout_t destination_gradient, const int64_t *strides,
    const int64_t *padding, const_dnnl_primitive_desc_t forward,
    const_dnnl_primitive_attr_t attributes) {
#if DNNL_VERSION_MAJOR >= 3
  const int64_t dilates[2] = {0, 0};
  return dnnl_convolution_backward_data_primitive_desc_create(
      description, engine, dnnl_convolution_direct, ONEDNN_MD(source_gradient),
      ONEDNN_MD(weights), ONEDNN_MD(destination_gradient), strides, dilates, padding, padding,
      forward, attributes);
#else
  dnnl_convolution_desc_t operation;
  dnnl_status_t status = dnnl_convolution_backward_data_desc_init(
      &operation, dnnl_convolution_direct, ONEDNN_MD(source_gradient), ONEDNN_MD(weights),
      ONEDNN_MD(destination_gradient), strides, padding, padding);
  if (status != dnnl_success) return status;
  return dnnl_primitive_desc_create(description, &operation, attributes, engine, forward);
#endif
}

static inline dnnl_status_t onednn_convolution_backward_weights(
    dnnl_primitive_desc_t *description, dnnl_engine_t engine, onednn_layout_t source,
    onednn_layout_t weights_gradient, onednn_layout_t bias_gradient,
    onednn_layout_t destination_gradient, const int64_t *strides, const int64_t *padding,
    const_dnnl_primitive_desc_t forward, const_dnnl_primitive_attr_t attributes) {
#if DNNL_VERSION_MAJOR >= 3
  const int64_t dilates[2] = {0, 0};
  return dnnl_convolution_backward_weights_primitive_desc_create(
      description, engine, dnnl_convolution_direct, ONEDNN_MD(source),
      ONEDNN_MD(weights_gradient), ONEDNN_MD(bias_gradient), ONEDNN_MD(destination_gradient),
      strides, dilates, padding, padding, forward, attributes);
#else
  dnnl_convolution_desc_t operation;
  dnnl_status_t status = dnnl_convolution_backward_weights_desc_init(
      &operation, dnnl_convolution_direct, ONEDNN_MD(source), ONEDNN_MD(weights_gradient),
      ONEDNN_MD(bias_gradient), ONEDNN_MD(destination_gradient), strides, padding, padding);
  if (status != dnnl_success) return status;
  return dnnl_primitive_desc_create(description, &operation, attributes, engine, forward);
#endif
}

static inline dnnl_status_t onednn_max_pooling_forward(
    dnnl_primitive_desc_t *description, dnnl_engine_t engine, dnnl_prop_kind_t kind,
    onednn_layout_t source, onednn_layout_t destination, const int64_t *strides,
    const int64_t *kernel, const int64_t *padding, const_dnnl_primitive_attr_t attributes) {
#if DNNL_VERSION_MAJOR >= 3
  const int64_t dilates[2] = {0, 0};
  return dnnl_pooling_forward_primitive_desc_create(
      description, engine, kind, dnnl_pooling_max, ONEDNN_MD(source), ONEDNN_MD(destination),
      strides, kernel, dilates, padding, padding, attributes);
#else
  dnnl_pooling_desc_t operation;
  dnnl_status_t status = dnnl_pooling_forward_desc_init(
      &operation, kind, dnnl_pooling_max, ONEDNN_MD(source), ONEDNN_MD(destination), strides,
      kernel, padding, padding);
  if (status != dnnl_success) return status;
  return dnnl_primitive_desc_create(description, &operation, attributes, engine, NULL);
#endif
}

static inline dnnl_status_t onednn_max_pooling_backward(
    dnnl_primitive_desc_t *description, dnnl_engine_t engine, onednn_layout_t source_gradient,
    onednn_layout_t destination_gradient, const int64_t *strides, const int64_t *kernel,
    const int64_t *padding, const_dnnl_primitive_desc_t forward,
    const_dnnl_primitive_attr_t attributes) {
#if DNNL_VERSION_MAJOR >= 3
  const int64_t dilates[2] = {0, 0};
  return dnnl_pooling_backward_primitive_desc_create(
      description, engine, dnnl_pooling_max, ONEDNN_MD(source_gradient),
      ONEDNN_MD(destination_gradient), strides, kernel, dilates, padding, padding, forward,
      attributes);
#else
  dnnl_pooling_desc_t operation;
  dnnl_status_t status = dnnl_pooling_backward_desc_init(
      &operation, dnnl_pooling_max, ONEDNN_MD(source_gradient), ONEDNN_MD(destination_gradient),
      strides, kernel, padding, padding);
  if (status != dnnl_success) return status;
  return dnnl_primitive_desc_create(description, &operation, attributes, engine, forward);
#endif
}

/// Whether batch norm's way back is given the shift, which it does not use: 2.x asks for it with a ReLU, 3.x refuses it.
static const int onednn_batch_norm_backward_takes_shift = DNNL_VERSION_MAJOR < 3;

/// Training's: the statistics of the batch, with scale and shift; destination and source have one layout.
static inline dnnl_status_t onednn_batch_norm_forward(
    dnnl_primitive_desc_t *description, dnnl_engine_t engine, onednn_layout_t data, float epsilon,
    unsigned flags, const_dnnl_primitive_attr_t attributes) {
#if DNNL_VERSION_MAJOR >= 3
  return dnnl_batch_normalization_forward_primitive_desc_create(
      description, engine, dnnl_forward_training, ONEDNN_MD(data), ONEDNN_MD(data), epsilon, flags,
      attributes);
#else
  dnnl_batch_normalization_desc_t operation;
  dnnl_status_t status = dnnl_batch_normalization_forward_desc_init(
      &operation, dnnl_forward_training, ONEDNN_MD(data), epsilon, flags);
  if (status != dnnl_success) return status;
  return dnnl_primitive_desc_create(description, &operation, attributes, engine, NULL);
#endif
}

static inline dnnl_status_t onednn_batch_norm_backward(
    dnnl_primitive_desc_t *description, dnnl_engine_t engine, onednn_layout_t data, float epsilon,
    unsigned flags, const_dnnl_primitive_desc_t forward, const_dnnl_primitive_attr_t attributes) {
#if DNNL_VERSION_MAJOR >= 3
  return dnnl_batch_normalization_backward_primitive_desc_create(
      description, engine, dnnl_backward, ONEDNN_MD(data), ONEDNN_MD(data), ONEDNN_MD(data),
      epsilon, flags, forward, attributes);
#else
  dnnl_batch_normalization_desc_t operation;
  dnnl_status_t status = dnnl_batch_normalization_backward_desc_init(
      &operation, dnnl_backward, ONEDNN_MD(data), ONEDNN_MD(data), epsilon, flags);
  if (status != dnnl_success) return status;
  return dnnl_primitive_desc_create(description, &operation, attributes, engine, forward);
#endif
}
