// session/said_release.h: a message that says that it comes out of our own store: what it said, and
// what the store said to that. Thread: one owner.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "mail/header.h"
#include "session/connected.h"
#include "session/ports.h"

namespace sekisho::session {

struct SaidRelease {
  // `field`: our release field; `before`: the fields above it.
  SaidRelease(const mail::HeaderField& field, const mail::Header& before);
  // A field further down. Fields are kept up to twice what a header may have: a release is bound to
  // all of its header, and our own copy has limits of its own.
  void append(const mail::HeaderField& field);
  bool awaits_store() const { return state == State::asked; }

  enum class State {
    unasked,   // the message is still coming
    asked,     // the store has the proof and has not answered
    answered,  // it has, or there is no store
  };
  State state = State::unasked;
  ReleaseProof proof;
  SteadyTime until = SteadyTime::max();  // asked: when the store has had its time
  std::optional<std::string> results;    // proven: our field of the first time
};

struct Message;

// What binds the release to this message, once all of it is there. Takes the header out of
// `message.release`.
ReleaseProof release_proof(Message& message, const Connected& connected);

}  // namespace sekisho::session
