// SPDX-License-Identifier: Apache-2.0
// How fast a text is tokenised, with one thread: bench_tokenizer MODEL FILE [REPEATS]. Prints one JSON object.
// compare.py runs it beside the reference library.
#include "core/base/mapped_file.h"
#include "core/tokenizer/tokenizer.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <span>
#include <string>
#include <vector>

using namespace paretoscope::core;

namespace {

template <typename Work>
double secondsOf(Work&& work)
{
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

template <typename T>
T valueOrExit(Result<T> result)
{
    if (!result.ok()) {
        std::cerr << result.error().sentence() << '\n';
        std::exit(1);
    }
    return std::move(result).value();
}

} // namespace

int main(int argc, char** argv)
{
    if (argc < 3) {
        std::cerr << "usage: bench_tokenizer MODEL FILE [REPEATS]\n";
        return 2;
    }
    const int repeats = argc > 3 ? std::max(1, std::atoi(argv[3])) : 10;
    const std::string text = valueOrExit(readTextFile(argv[2]));
    const auto loadStart = std::chrono::steady_clock::now();
    const Tokenizer tokenizer = valueOrExit(Tokenizer::load(argv[1]));
    const double load = std::chrono::duration<double>(std::chrono::steady_clock::now() - loadStart).count();

    std::vector<std::int32_t> ids;
    const double first = secondsOf([&] { ids = tokenizer.encode(text); });
    double best = first;
    for (int i = 1; i < repeats; ++i)
        best = std::min(best, secondsOf([&] { ids = tokenizer.encode(text); }));
    double decode = 1e9;
    for (int i = 0; i < repeats; ++i)
        decode = std::min(decode, secondsOf([&] { valueOrExit(tokenizer.decode(ids)); }));
    std::cout << Json {{"bytes", text.size()},
                       {"tokens", ids.size()},
                       {"ids_sha256", sha256(std::as_bytes(std::span(ids))).hex()},
                       {"load_seconds", load},
                       {"first_seconds", first},
                       {"best_seconds", best},
                       {"decode_seconds", decode}}
                     .dump()
              << '\n';
    return 0;
}
