// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/pareto/pareto_data.h"

#include <QWidget>

namespace paretoscope::views {

/// The chips above the Pareto plot: methods, which a click hides or shows, and published points that were asked for,
/// which a click takes off.
class ParetoLegend : public QWidget
{
    Q_OBJECT

public:
    explicit ParetoLegend(QWidget* parent = nullptr);

    void setData(const ParetoDataPtr& plotted);
    const QStringList& hiddenMethods() const { return m_hidden; }
    void setHiddenMethods(const QStringList& methods); ///< does not emit

Q_SIGNALS:
    void hiddenMethodsChanged();
    void publishedRemoved(const QString& series);

protected:
    void changeEvent(QEvent* event) override;

private:
    void rebuild();
    void addMethod(int index, const QString& text);
    void addPublished(const PublishedSeries& series);
    void takeClick(const QString& method);

    ParetoDataPtr m_data;
    QStringList m_hidden;
    QStringList m_texts;    ///< of the chips that are there
    bool m_isStale = false; ///< these have the old checks
};

} // namespace paretoscope::views
