// config/complete.h: values that follow from others, once all are read: limits of listeners, TLS of
// routes with a login, where held messages go.
// Errors: findings in the Reader. Thread: any.
#pragma once

#include "config/reader.h"
#include "config/settings.h"

namespace sekisho::config {

void complete(Settings& settings, Reader& reader);

}  // namespace sekisho::config
