/* A frozen ferroflow model in C: load its file's bytes, add rows cell by cell, predict.
 *
 *     ferroflow_model *model = ferroflow_load(bytes, length);
 *     ferroflow_rows *rows = ferroflow_rows_new(model);
 *     ferroflow_number(rows, 0, 38.0);
 *     ferroflow_text(rows, 1, (const uint8_t *)"York", 4);
 *     double value;
 *     if (ferroflow_predict(rows, &value, NULL) < 0) { ... ferroflow_error(message, sizeof message) ... }
 *
 * Texts are UTF-8 by pointer and length, without a final zero. A model may be used by several threads at once, rows by
 * one at a time. Nothing here reads files, opens connections or starts threads.
 */
#ifndef FERROFLOW_H
#define FERROFLOW_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ferroflow_model ferroflow_model;
typedef struct ferroflow_rows ferroflow_rows;

/* Reads and checks a model file; NULL if it is refused. The bytes are not needed afterwards. */
ferroflow_model *ferroflow_load(const uint8_t *bytes, size_t length);
void ferroflow_free(ferroflow_model *model);

/* The message of this thread's last failed call: at most `room` bytes of it; returns its whole length. */
size_t ferroflow_error(uint8_t *out, size_t room);

/* What goes in. Kinds: 0 numbers, 1 whole numbers, 2 truths (0 and 1), 3 texts, -1 no such column. */
size_t ferroflow_columns(const ferroflow_model *model);
size_t ferroflow_column_name(const ferroflow_model *model, size_t column, uint8_t *out, size_t room);
int32_t ferroflow_column_kind(const ferroflow_model *model, size_t column);

/* What comes out of a row: values (1 for a classifier: its class's number) and probabilities (one per class, or none). */
size_t ferroflow_outputs(const ferroflow_model *model);
size_t ferroflow_probabilities(const ferroflow_model *model);
size_t ferroflow_classes(const ferroflow_model *model);
size_t ferroflow_class_name(const ferroflow_model *model, uint32_t class_number, uint8_t *out, size_t room);

/* Rows. Cells are added to each column in the order of rows; the model must outlive them. 0, or -1 if refused. */
ferroflow_rows *ferroflow_rows_new(const ferroflow_model *model);
void ferroflow_rows_clear(ferroflow_rows *rows);
void ferroflow_rows_free(ferroflow_rows *rows);
int32_t ferroflow_number(ferroflow_rows *rows, size_t column, double value); /* NaN: missing */
int32_t ferroflow_text(ferroflow_rows *rows, size_t column, const uint8_t *text, size_t length); /* NULL: missing */

/* Predicts all rows into `values` and `probabilities`, row by row; either may be NULL. Their number, or -1. */
ptrdiff_t ferroflow_predict(const ferroflow_rows *rows, double *values, double *probabilities);

/* Memory inside, on a multiple of 8: for WebAssembly, whose caller has none of its own there. */
uint8_t *ferroflow_allocate(size_t size);
void ferroflow_release(uint8_t *at, size_t size);

#ifdef __cplusplus
}
#endif

#endif
