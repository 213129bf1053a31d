// session/said_release.h: a message with a release field of our own store: its proof, and the
// answer of the store.
// Thread: one owner.
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
  // A field further down. Fields are kept up to twice the limit of a header: a release is bound to
  // all of its header, and our own copy has limits of its own.
  void append(const mail::HeaderField& field);
  bool awaits_store() const { return state == State::asked; }

  enum class State {
    unasked,   // the message is still arriving
    asked,     // the store has the proof and has not answered
    answered,  // it has answered, or there is no store
  };
  State state = State::unasked;
  ReleaseProof proof;
  SteadyTime until = SteadyTime::max();  // asked: when to give up waiting for the store
  std::optional<std::string> results;    // proven: our field of the first time
};

struct Message;

// The proof that binds the release to this message; call when all of it has arrived. Takes the
// header out of `message.release`.
ReleaseProof release_proof(Message& message, const Connected& connected);

}  // namespace sekisho::session
