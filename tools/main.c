// The program `minfer`: reads the command line, runs the command, turns what went wrong into a line and a status.
#include "console.h"
#include "fail.h"
#include "help.h"
#include "interrupt.h"
#include <locale.h>
#include <signal.h>
#include <unistd.h>

static bool render_version(FILE *out, const void *context) {
  (void)context;
  const minfer_environment *e = minfer_environment_get();
  fprintf(out, "minfer %s (oneDNN %s, %s)\n", minfer_version(), e->onednn_version, e->onednn_runtime);
  return true;
}

static minfer_status run(const options *o, bool named, console *c, minfer_error *error) {
  if (o->version) return console_emit(c, NULL, render_version, NULL, error);
  if (!o->help) return o->command->run(o, c, error);
  // minfer --help is about the program; minfer run --help about the command.
  return cmd_help(named ? o : &(options){.command = command_find("help")}, c, error);
}

int main(int argc, char **argv) {
  setlocale(LC_CTYPE, "C.UTF-8"); // widths of characters; everything else stays as in C
  signal(SIGPIPE, SIG_IGN);       // a closed pipe is a failed write
  interrupt_install();
  console c = {.results = STDOUT_FILENO};
  options o = {0};
  minfer_error error = {0};
  minfer_status status = console_open(&c, &error);
  if (status == MINFER_OK && argc < 2) {
    help_program(stderr);
    return MINFER_USAGE;
  }
  if (status == MINFER_OK) status = options_parse(&o, argc, argv, &error);
  if (status == MINFER_OK) {
    console_configure(&c, &o);
    minfer_set_log(console_log, &c);
    status = run(&o, argv[1][0] != '-', &c, &error);
  }
  options_free(&o);
  if (status != MINFER_OK) console_error(&c, &error);
  return status == MINFER_INTERRUPTED ? interrupt_exit_status() : (int)status;
}
