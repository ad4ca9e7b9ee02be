#include "remote/transport.h"

namespace packferry {

std::string_view to_string(Service service) {
  return service == Service::UploadPack ? "git-upload-pack" : "git-receive-pack";
}

}  // namespace packferry
