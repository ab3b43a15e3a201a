/* replay MODEL ROWS: predicts the rows that rows.py wrote, through the C ABI, and writes the bytes of the answer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ferroflow.h"

static uint8_t *read_file(const char *path, size_t *length) {
    FILE *file = fopen(path, "rb");
    if (!file) { perror(path); exit(1); }
    fseek(file, 0, SEEK_END);
    *length = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*length);
    if (!bytes || fread(bytes, 1, *length, file) != *length) { perror(path); exit(1); }
    fclose(file);
    return bytes;
}

static void fail(void) {
    char message[1000];
    size_t length = ferroflow_error((uint8_t *)message, sizeof message);
    fprintf(stderr, "%.*s\n", (int)(length < sizeof message ? length : sizeof message), message);
    exit(1);
}

static uint64_t take(const uint8_t **at) {
    uint64_t value;
    memcpy(&value, *at, 8);
    *at += 8;
    return value;
}

int main(int argc, char **argv) {
    if (argc != 3) { fprintf(stderr, "usage: replay MODEL ROWS\n"); return 2; }
    size_t length;
    uint8_t *bytes = read_file(argv[1], &length);
    ferroflow_model *model = ferroflow_load(bytes, length);
    if (!model) fail();
    free(bytes);
    ferroflow_rows *rows = ferroflow_rows_new(model);
    bytes = read_file(argv[2], &length);
    const uint8_t *at = bytes;
    uint64_t n = take(&at), n_columns = take(&at);
    if (n_columns != ferroflow_columns(model)) { fprintf(stderr, "these rows are another model's\n"); return 1; }
    for (uint64_t j = 0; j < n_columns; j++) {
        uint64_t texts = take(&at), size = take(&at);
        const uint8_t *text = at + 8 * n;
        for (uint64_t i = 0; i < n; i++) {
            int32_t refused;
            if (texts) {
                int64_t len = (int64_t)take(&at);
                refused = ferroflow_text(rows, j, len < 0 ? NULL : text, len < 0 ? 0 : (size_t)len);
                text += len < 0 ? 0 : len;
            } else {
                double value;
                memcpy(&value, at, 8);
                at += 8;
                refused = ferroflow_number(rows, j, value);
            }
            if (refused) fail();
        }
        at += size;
    }
    size_t n_values = n * ferroflow_outputs(model), n_probabilities = n * ferroflow_probabilities(model);
    double *values = malloc(8 * n_values + 1), *probabilities = malloc(8 * n_probabilities + 1);
    if (!values || !probabilities) return 1;
    if (ferroflow_predict(rows, values, probabilities) != (ptrdiff_t)n) fail();
    fwrite(values, 8, n_values, stdout);
    fwrite(probabilities, 8, n_probabilities, stdout);
    free(values);
    free(probabilities);
    ferroflow_rows_free(rows);
    ferroflow_free(model);
    free(bytes);
    return 0;
}
