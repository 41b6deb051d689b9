// The header is C++ too: handles in smart pointers, an error looked at.
#include <cstdio>
#include <memory>
#include <minfer.h>

int main() {
  minfer_model_options options{};
  options.size = sizeof options;
  options.model = "resnet18";
  options.weights = "synthetic:7";
  minfer_model *opened = nullptr;
  minfer_error error{};
  if (minfer_model_open(&options, &opened, &error) != MINFER_OK) {
    std::fprintf(stderr, "%s\n", error.text);
    return 1;
  }
  std::unique_ptr<minfer_model, decltype(&minfer_model_close)> model(opened, minfer_model_close);
  std::printf("minfer %s: %lld parameters\n", minfer_version(),
              static_cast<long long>(minfer_model_describe(model.get())->parameters));

  options.model = "no such network";
  opened = nullptr;
  return minfer_model_open(&options, &opened, &error) == MINFER_USAGE && error.text[0] != '\0' ? 0 : 1;
}
