// SPDX-License-Identifier: Apache-2.0
// Precompiled for all tests.
#pragma once

#include "core/base/json.h"

#include <QtTest>
