// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QtTest>

/// Fails with the sentence of an error. Evaluates its argument once: appending twice would be another test.
#define VERIFY_OK(result)                                                                                              \
    do {                                                                                                               \
        const auto& outcome = (result);                                                                                \
        QVERIFY2(outcome.ok(), outcome.ok() ? "" : outcome.error().sentence().c_str());                                \
    } while (false)
