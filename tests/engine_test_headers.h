// SPDX-License-Identifier: Apache-2.0
// Precompiled for the tests of the engine and of the methods.
#pragma once

#include "core/engine/aten.h"
#include "tests/test_headers.h"
