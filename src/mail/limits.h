// mail/limits.h: every cap on what a message may be, each with its reason.
// Thread: immutable.
#pragma once

#include <cstddef>

namespace sekisho::mail::limits {

// All header fields together. Postfix stops a field at 102,400 octets and sendmail a block at 32 KB
// by default; 1 MB is more than they let through, and less than what takes a noticeable time to
// read.
inline constexpr std::size_t header_block_octets = 1024 * 1024;

// Header fields of one message. Long Received and ARC chains stay below 300; 10,000 tiny fields are
// an attack on programs that compare each with each.
inline constexpr std::size_t header_fields = 10'000;

// Mailboxes in one address list. RFC 9989 §11.5 wants a limit on author domains; no person writes
// From with more than a handful, and 1,000 keeps a mistaken To list readable.
inline constexpr std::size_t address_list_mailboxes = 1'000;

// Nesting of comments (RFC 5322 §3.2.2). Parsers here count instead of recursing; more than 50 was
// never written by a person.
inline constexpr std::size_t comment_nesting = 50;

// One Received field. HELO (512), a recipient (320), two certificate names (2 x 256) and the rest
// of what an MTA writes stay below 2 KB; four times that is still read.
inline constexpr std::size_t received_octets = 8 * 1024;

// RFC 1035 §2.3.4: a name without its root dot, and a label.
inline constexpr std::size_t domain_octets = 253;
inline constexpr std::size_t label_octets = 63;

// RFC 5321 §4.5.3.1.1 says 64; real bounce addresses (VERP, SRS) reach 200 and are delivered
// everywhere, so the local part may have 255.
inline constexpr std::size_t local_part_octets = 255;

// RFC 5321 §4.5.3.1.5: a reply line, CRLF included.
inline constexpr std::size_t reply_line_octets = 512;

// Tags in one tag list (RFC 6376 §3.2). DKIM defines 17 and DMARC 15.
inline constexpr std::size_t tags = 64;

}  // namespace sekisho::mail::limits
