#include "config/config_file.h"
namespace packferry {
std::string config_example(std::optional<HostKind>) { return {}; }
}  // namespace packferry
