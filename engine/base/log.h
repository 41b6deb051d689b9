// Notes and warnings for people. Nothing is printed unless the embedder (or the program) sets a sink.
#ifndef MF_BASE_LOG_H
#define MF_BASE_LOG_H

typedef enum mf_log_level { MF_LOG_NOTE, MF_LOG_WARNING } mf_log_level;
typedef void (*mf_log_sink)(mf_log_level level, const char *line, void *context);
void mf_log_set_sink(mf_log_sink sink, void *context);
void mf_log(mf_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
