#include "service/topology.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "base/printable.h"

namespace packferry {
namespace {

class Walk {
 public:
  explicit Walk(const std::vector<ReplicaEdge>& edges) {
    for (const ReplicaEdge& edge : edges) leads_to_[edge.from].push_back(edge.to);
  }

  std::vector<std::string> find() {
    for (const auto& [from, to] : leads_to_)
      if (std::vector<std::string> circle = find_from(from); !circle.empty()) return circle;
    return {};
  }

 private:
  struct Step {
    std::string end;
    std::size_t next = 0;  // of what it leads to
  };

  // Depth first, with a path of our own: chains may be longer than a stack is deep.
  std::vector<std::string> find_from(const std::string& begin) {
    if (seen_[begin]) return {};
    seen_[begin] = true;
    std::vector<Step> path{{begin}};
    while (!path.empty()) {
      Step& step = path.back();
      const auto found = leads_to_.find(step.end);
      if (found == leads_to_.end() || step.next == found->second.size()) {
        path.pop_back();
        continue;
      }
      const std::string to = found->second[step.next++];
      if (const auto on_path = std::ranges::find(path, to, &Step::end); on_path != path.end()) {
        std::vector<std::string> circle;
        std::transform(on_path, path.end(), std::back_inserter(circle), [](const Step& each) { return each.end; });
        circle.push_back(to);
        return circle;
      }
      if (!std::exchange(seen_[to], true)) path.push_back({to});
    }
    return {};
  }

  std::map<std::string, std::vector<std::string>> leads_to_;
  std::map<std::string, bool> seen_;
};

}  // namespace

std::string end_at(const Url& url) {
  std::string text = url.text();
  while (text.ends_with('/')) text.pop_back();
  if (text.ends_with(".git")) text.resize(text.size() - 4);
  return text;
}

std::vector<std::string> find_circle(std::vector<ReplicaEdge> edges) {
  std::ranges::sort(edges, {}, [](const ReplicaEdge& edge) { return std::tie(edge.from, edge.to); });
  return Walk(edges).find();
}

Result<> refuse_circles(std::vector<ReplicaEdge> edges) {
  const std::vector<std::string> circle = find_circle(std::move(edges));
  if (circle.empty()) return {};
  std::string shown;
  for (const std::string& end : circle) shown += (shown.empty() ? "" : " -> ") + printable(end);
  return Error(ErrorKind::Invalid, "these replicas form a circle, and two-way sync is refused: {}", shown);
}

}  // namespace packferry
