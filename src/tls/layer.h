// tls/layer.h: TLS over octets that somebody else reads and writes: no socket, no thread. Each side
// has one Layer for each connection.
//   layer.receive(ciphertext); out.append(layer.take_output()); in.append(layer.take_plain());
// RFC 8446, 5246. Renegotiation is refused.
// Errors: failure() with a sentence; then what take_output() has (an alert) is written, and the
// connection closed. A connection that closes without ended() may have been cut by somebody.
// Thread: one owner; contexts are immutable and shared.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sekisho::tls {

class ServerContext;
class ClientContext;

class Layer {
 public:
  // The server's side.
  explicit Layer(std::shared_ptr<const ServerContext> context);
  // The client's side; `name`: for SNI, and for the certificate where it is verified.
  Layer(std::shared_ptr<const ClientContext> context, const std::string& name);
  Layer(Layer&&) noexcept;
  Layer& operator=(Layer&&) noexcept;
  ~Layer();

  // Octets from the other side.
  void receive(std::string_view octets);
  // Octets to encrypt; before the handshake is complete they are refused (a bug: std::logic_error).
  void send(std::string_view plain);
  // Begins the end (close_notify).
  void close();

  std::string take_output();  // what must be written to the other side
  std::string take_plain();   // what the other side has said
  bool established() const;   // the handshake is complete
  bool ended() const;         // the other side has sent close_notify
  const std::optional<std::string>& failure() const;

  std::string version() const;  // "TLSv1.3"
  std::string cipher() const;   // "TLS_AES_256_GCM_SHA384"
  // The client's side: whether the certificate was verified against the name; else why not.
  bool verified() const;
  std::string why_unverified() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sekisho::tls
