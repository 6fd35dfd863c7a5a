// SPDX-License-Identifier: Apache-2.0
#include "core/engine/measurement/ceilings.h"

#include "core/engine/foreign_exception.h"
#include "core/engine/measurement/host_loops.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <functional>
#include <set>
#include <string>
#include <vector>

namespace paretoscope::engine {

namespace {

using core::Json;
using core::Repeated;

struct ProductType
{
    const char* name;
    at::ScalarType type;
};
constexpr std::array kProductTypes {ProductType {"matrix_float32", at::kFloat},
                                    ProductType {"matrix_float64", at::kDouble},
                                    ProductType {"matrix_bfloat16", at::kBFloat16},
                                    ProductType {"matrix_float16", at::kHalf}, ProductType {"matrix_int8", at::kChar}};

constexpr std::int64_t kMultiplyAdds = 100'000;
/// Per element: from where memory bounds everything to where it bounds nothing.
constexpr std::array kIntensities {0, 1, 2, 4, 8, 16, 32, 64};

class CeilingMeasurement
{
public:
    explicit CeilingMeasurement(const Surroundings& surroundings)
        : m_surroundings(surroundings)
        , m_timer(surroundings.device, surroundings.plan())
        , m_options(at::TensorOptions(at::kFloat).device(surroundings.device))
        , m_threadCounts {1}
    {
        if (isCpu())
            m_threadCounts.insert(surroundings.threads);
    }

    core::Result<Json> run()
    {
        PSC_TRY(measureMemory());
        if (isCpu()) {
            PSC_TRY(measureCaches());
            PSC_TRY(measureMultiplyAdd());
            PSC_TRY(measureIntensities());
        }
        for (const ProductType& type : kProductTypes)
            PSC_TRY(measureProducts(type));
        PSC_TRY(measureDispatch());
        return std::move(m_ceilings);
    }

private:
    bool isCpu() const { return m_surroundings.device.is_cpu(); }
    core::Status goOn()
    {
        constexpr int kSteps = 12;
        return m_surroundings.goOn("ceilings", std::min(m_step++, kSteps), kSteps);
    }

    /// Calls of one operator, by one thread or by all that it spreads over itself.
    Repeated timed(int threads, const std::function<void()>& call) const
    {
        const auto work = [&](int calls) {
            for (int i = 0; i < calls; ++i)
                call();
        };
        return threads == 1 && isCpu() ? m_timer.timeInThreads(1, [&](int, int calls) { work(calls); })
                                       : m_timer.time(work);
    }

    static Json entry(const char* name, int threads, double work, const char* unit, const Repeated& seconds,
                      std::int64_t size)
    {
        return {
            {"name", name}, {"threads", threads}, {"work", work}, {"unit", unit}, {"seconds", core::toJson(seconds)},
            {"size", size}};
    }

    void add(const char* name, int threads, double work, const char* unit, const Repeated& seconds, std::int64_t size)
    {
        m_ceilings.push_back(entry(name, threads, work, unit, seconds, size));
    }

    core::Status measureMemory()
    {
        const std::int64_t bytes = m_surroundings.isQuick
                                       ? m_surroundings.coldBytes()
                                       : std::max(std::int64_t(256) << 20, m_surroundings.coldBytes());
        const std::int64_t count = bytes / 4 / std::int64_t(kReadStep) * std::int64_t(kReadStep);
        const double size = static_cast<double>(count) * 4;
        // Filled by all threads: every page is first touched by the thread that will use it.
        at::Tensor a = at::full({count}, 1.0, m_options);
        const at::Tensor b = at::full({count}, 2.0, m_options);
        const at::Tensor c = at::full({count}, 3.0, m_options);
        const double stores = isCpu() ? 2 : 1; // a cache line is read before it is written
        PSC_TRY(goOn());
        for (const int threads : m_threadCounts) {
            const Repeated read = isCpu() ? timedReading(threads, b, count, 1) : timed(1, [&] { at::sum(b); });
            add("dram_read", threads, size, "B", read, std::int64_t(size));
        }
        PSC_TRY(goOn());
        for (const int threads : m_threadCounts)
            add("dram_copy", threads, (1 + stores) * size, "B", timed(threads, [&] { a.copy_(b); }),
                std::int64_t(size));
        PSC_TRY(goOn());
        for (const int threads : m_threadCounts)
            add("dram_triad", threads, (2 + stores) * size, "B", timed(threads, [&] { at::add_out(a, b, c, 0.5); }),
                std::int64_t(size));
        return core::success();
    }

    /// Every thread reads its own part of the tensor.
    Repeated timedReading(int threads, const at::Tensor& data, std::int64_t count, std::int64_t repetitions)
    {
        const auto part = static_cast<std::size_t>(count) / static_cast<std::size_t>(threads) / kReadStep * kReadStep;
        const float* const begin = data.const_data_ptr<float>();
        return m_timer.timeInThreads(threads, [&](int thread, int calls) {
            const float* const own = begin + static_cast<std::size_t>(thread) * part;
            m_sink = m_sink + readRepeatedly(own, part, calls * repetitions);
        });
    }

    core::Status measureCaches()
    {
        PSC_TRY(goOn());
        const CacheSizes& caches = m_surroundings.caches;
        for (const int threads : m_threadCounts) {
            measureCache("last_cache_read", threads, m_surroundings.cachedBytes());
            measureCache("core_cache_read", threads, caches.perCore * 2 / 5 * threads);
        }
        return core::success();
    }

    void measureCache(const char* name, int threads, std::int64_t bytes)
    {
        constexpr std::int64_t kRepetitions = 16;
        const std::int64_t share = std::int64_t(kReadStep) * threads;
        const std::int64_t count = bytes / 4 / share * share;
        if (count == 0)
            return;
        const at::Tensor data = at::full({count}, 1.0, m_options);
        const Repeated seconds = timedReading(threads, data, count, kRepetitions);
        add(name, threads, double(kRepetitions) * double(count) * 4, "B", seconds, count * 4);
    }

    core::Status measureMultiplyAdd()
    {
        PSC_TRY(goOn());
        for (const int threads : m_threadCounts) {
            const Repeated seconds = m_timer.timeInThreads(
                threads, [&](int, int calls) { m_sink = m_sink + multiplyAdd(calls * kMultiplyAdds); });
            add("vector_multiply_add", threads, threads * double(kMultiplyAdds) * multiplyAddFlops(), "FLOP", seconds,
                0);
        }
        return core::success();
    }

    /// The knee of the roofline as it is: the same reading with more and more arithmetic per byte.
    core::Status measureIntensities()
    {
        PSC_TRY(goOn());
        const int threads = m_surroundings.threads;
        const auto part = static_cast<std::size_t>(m_surroundings.coldBytes() / 4 / threads) / kReadStep * kReadStep;
        const auto count = static_cast<std::int64_t>(part) * threads;
        const at::Tensor data = at::full({count}, 1.0, m_options);
        const float* const begin = data.const_data_ptr<float>();
        for (const int multiplyAdds : kIntensities) {
            const Repeated seconds = m_timer.timeInThreads(threads, [&](int thread, int calls) {
                const float* const own = begin + static_cast<std::size_t>(thread) * part;
                m_sink = m_sink + readMultiplyAdd(own, part, calls, multiplyAdds);
            });
            const std::string name = "read_multiply_add_" + std::to_string(multiplyAdds);
            add(name.c_str(), threads, (2.0 * multiplyAdds + 1) * double(count), "FLOP", seconds, count * 4);
        }
        return core::success();
    }

    std::vector<std::int64_t> productSizes() const
    {
        if (!isCpu())
            return m_surroundings.isQuick ? std::vector<std::int64_t> {2048, 4096}
                                          : std::vector<std::int64_t> {2048, 4096, 8192, 16384};
        return m_surroundings.isQuick ? std::vector<std::int64_t> {256, 512}
                                      : std::vector<std::int64_t> {512, 1024, 2048};
    }

    /// Twice the side takes eight times as long; sizes that would take longer than this are left out.
    double longestProduct() const { return m_surroundings.isQuick ? 0.05 : 0.5; }

    core::Status measureProducts(const ProductType& type)
    {
        PSC_TRY(goOn());
        for (const int threads : m_threadCounts) {
            double bestRate = 0;
            Json best;
            for (const std::int64_t size : productSizes()) {
                const auto seconds = guarded("multiplying matrices", [&]() -> core::Result<Repeated> {
                    return timedProduct(type.type, threads, size);
                });
                if (!seconds.ok())
                    break; // no product of this type here, or not of this size
                const double flops = 2 * std::pow(double(size), 3);
                if (const double rate = flops / seconds.value().median; rate > bestRate) {
                    bestRate = rate;
                    best = entry(type.name, threads, flops, "FLOP", seconds.value(), size);
                }
                if (seconds.value().median > longestProduct() / 8)
                    break;
            }
            if (bestRate > 0)
                m_ceilings.push_back(std::move(best));
        }
        return core::success();
    }

    /// A type without a fast product is measured on small matrices: its rate does not depend on them.
    Repeated timedProduct(at::ScalarType type, int threads, std::int64_t size) const
    {
        if (type == at::kChar) {
            const at::Tensor a = at::ones({size, size}, m_options.dtype(at::kChar));
            return timed(threads, [&] { at::_int_mm(a, a); });
        }
        const at::Tensor a = at::full({size, size}, 0.5, m_options.dtype(type));
        at::Tensor out = at::empty({size, size}, a.options());
        return timed(threads, [&] { at::mm_out(out, a, a); });
    }

    core::Status measureDispatch()
    {
        PSC_TRY(goOn());
        at::Tensor a = at::ones({1}, m_options);
        add("dispatch", 1, 1, "call", timed(1, [&] { a.add_(1.0); }), 1);
        return goOn();
    }

    const Surroundings& m_surroundings;
    CallTimer m_timer;
    at::TensorOptions m_options;
    std::set<int> m_threadCounts;
    Json m_ceilings = Json::array();
    int m_step = 0;
    std::atomic<float> m_sink = 0; ///< what keeps the loops from being left out
};

} // namespace

core::Result<Json> measureCeilings(const Surroundings& surroundings)
{
    return guarded("measuring this machine", [&] { return CeilingMeasurement(surroundings).run(); });
}

} // namespace paretoscope::engine
