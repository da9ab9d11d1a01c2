#include "server/thread/turn_queue.h"

#include <utility>

namespace freshet {

void TurnQueue::Add(const std::string& client, Work work) {
  absl::MutexLock lock(&mu_);
  Client& entry = clients_[client];
  if (entry.started_count < kStartedWork) {
    ++entry.started_count;
    Start(client, entry, std::move(work));
  } else {
    entry.not_started.push_back(std::move(work));
  }
}

void TurnQueue::Start(const std::string& name, Client& client, Work work) {
  client.started.push_back(std::move(work));
  LineUp(name, client);
  pool_.Post([this] { RunTurn(); });
}

void TurnQueue::LineUp(const std::string& name, Client& client) {
  if (client.in_line || client.started.empty()) return;
  client.in_line = true;
  line_.push_back(name);
}

void TurnQueue::RunTurn() {
  std::string name;
  Work work;
  {
    absl::MutexLock lock(&mu_);
    name = std::move(line_.front());
    line_.pop_front();
    Client& client = clients_.at(name);
    client.in_line = false;
    work = std::move(client.started.front());
    client.started.pop_front();
    LineUp(name, client);
  }
  const bool has_more = work(Turn(kTurnLength));
  if (!has_more) work = nullptr;  // Destroys what it holds without the lock.
  absl::MutexLock lock(&mu_);
  Client& client = clients_.at(name);
  if (has_more) {
    Start(name, client, std::move(work));
  } else if (!client.not_started.empty()) {
    Work next = std::move(client.not_started.front());
    client.not_started.pop_front();
    Start(name, client, std::move(next));
  } else if (--client.started_count == 0) {
    clients_.erase(name);
  }
}

}  // namespace freshet
