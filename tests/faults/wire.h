// What a test and its stand-in for ssh (faulty_ssh.cc) share: a file that both have mapped. Bytes are counted over all
// commands of a crossing, as FaultProxy counts them over all connections, so that "byte 1234" means one place.
#pragma once

#include <atomic>
#include <cstdint>

namespace packferry::testing {

struct Wire {
  enum class Fault : std::uint32_t {
    None,
    Cut,              // the connection is lost: ssh ends with 255, and the other side is killed
    KillCommand,      // kill -9 git-upload-pack, or whatever runs over there; ssh is well
    KillPackObjects,  // kill -9 its child that makes the pack
  };

  std::atomic<std::uint64_t> passed[2];  // [0] towards the server, [1] towards the client
  std::atomic<Fault> fault;
  std::atomic<std::uint32_t> towards;  // as the index of `passed`
  std::atomic<std::uint64_t> at_byte;  // it happens before this byte is passed on
  std::atomic<bool> stays_down;        // after Cut: every later command is refused too
  std::atomic<bool> happened;
};

static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<Wire::Fault>::is_always_lock_free &&
              std::atomic<bool>::is_always_lock_free);

// The environment variable that names the file.
inline constexpr char kWireVariable[] = "FERRY_WIRE";

}  // namespace packferry::testing
