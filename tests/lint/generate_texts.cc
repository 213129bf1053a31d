// Prints the committed texts that are made from the table of keys.
//   generate_texts example          the whole of milter.conf.example
//   generate_texts man PAGE         PAGE with the keys between its two markers replaced
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "config/generate.h"

namespace {

const std::string begin_marker =
    ".\\\" The keys begin: made from the table of keys, not written by hand.\n";
const std::string end_marker = ".\\\" The keys end.\n";

int print_man(const char* path) {
  std::ifstream in(path, std::ios::binary);
  const std::string page{std::istreambuf_iterator<char>(in), {}};
  const std::size_t begin = page.find(begin_marker);
  const std::size_t end = page.find(end_marker);
  if (begin == std::string::npos || end == std::string::npos || end < begin) {
    std::cerr << path << ": the markers are missing\n";
    return 1;
  }
  std::cout << page.substr(0, begin + begin_marker.size()) << sekisho::config::man_key_section()
            << page.substr(end);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "example" && argc == 2) {
    std::cout << sekisho::config::example();
    return 0;
  }
  if (what == "man" && argc == 3) return print_man(argv[2]);
  std::cerr << "usage: generate_texts example | man PAGE\n";
  return 64;
}
