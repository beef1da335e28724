#include "client/command_line.h"

int main(int argc, char** argv) {
  return letterbox::client::run(argc, argv);
}
