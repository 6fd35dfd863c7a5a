// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QFutureWatcher>
#include <QLabel>
#include <QString>

namespace paretoscope::views {

/// A line about the chosen model (family, parameters, size, format) or why it cannot be read. Reads only headers, off
/// the GUI thread; the newest request wins.
class ModelSummary : public QLabel
{
    Q_OBJECT

public:
    explicit ModelSummary(QWidget* parent = nullptr);
    ~ModelSummary() override;

    void describe(const QString& model);

private:
    struct Answer
    {
        QString text;
        bool isProblem = false;
    };
    static Answer read(const QString& model);
    void present();

    QString m_model;
    QFutureWatcher<Answer> m_watcher;
};

} // namespace paretoscope::views
