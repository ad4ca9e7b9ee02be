// AWS's shared files: a setting has a name and one line of value, and an error repeats nothing of the file.
#include "aws/aws_profile.h"
#include "fuzz.h"

using namespace packferry;

FUZZ(input) {
  const Result<AwsSections> sections = parse_aws_file(input.rest());
  if (!sections) {
    CHECK(sections.error().kind() == ErrorKind::Invalid);
    CHECK(sections.error().message().size() < 90);
    return;
  }
  for (const auto& [section, settings] : *sections) {
    CHECK(section.find('\n') == std::string::npos);
    for (const auto& [name, value] : settings) {
      CHECK(name.find_first_of("\n=") == std::string::npos);
      CHECK(value.find('\n') == std::string::npos);
    }
  }
}
