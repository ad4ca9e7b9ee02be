// What a fleet's orders are carried out with: hosts, stores and repositories, as the configuration names them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/destination.h"
#include "engine/source.h"
#include "host/host.h"
#include "service/fleet.h"
#include "store/object_store.h"

namespace packferry {

// Safe from several threads; outlives what it makes. Talks to nobody but in what it makes.
class FleetEnds {
 public:
  virtual ~FleetEnds() = default;
  // Denied, Invalid: a secret that cannot be read, an address that is none.
  virtual Result<Host*> host(const FleetHost& host) = 0;
  virtual Result<ObjectStore*> store(const FleetStore& store) = 0;
  virtual Result<std::unique_ptr<Source>> source(const FleetHost& host, const HostedRepository& repository) = 0;
  // `wanted`: what is made there when there is none; null: then nothing is made.
  virtual Result<std::unique_ptr<Destination>> destination(const FleetHost& host, const Url& url,
                                                           const NewRepository* wanted) = 0;
  // What git runs with that is started for a zip.
  virtual const std::vector<std::string>& child_environment() const = 0;
};

}  // namespace packferry
