// The table [serve]. An inner room of config_file.cc.
#pragma once

#include <string_view>

#include "config/table_reader.h"
#include "service/serve_settings.h"

namespace packferry {

ServeSettings read_serve(const ConfigValue& value, std::string_view folder, ConfigMistakes& mistakes);

}  // namespace packferry
