//! All words of the report, in every language: one table of the page's own, and of each coded value.
//!
//! `{}` stands for a value, in the order in which the values come; a page fills it with what is escaped already.

mod coded;

pub(super) use coded::{Said, gravity};

use crate::report::Language;

macro_rules! words {
    ($($name:ident = $english:literal, $chinese:literal;)+) => {
        /// What the page says.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Word { $($name,)+ }

        impl Word {
            /// Every one of them.
            #[cfg(test)]
            const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The words in a language.
            pub(super) const fn say(self, language: Language) -> &'static str {
                match language {
                    Language::English => match self { $(Self::$name => $english,)+ },
                    Language::Chinese => match self { $(Self::$name => $chinese,)+ },
                }
            }
        }
    };
}

words! {
    About = "About this report", "关于本报告";
    AboutHandles = "Parties, folders and grants are shown as handles: the beginning of random ids. No name and no content is in the log, and none is here. Who acted on which folder when is: the report is for the auditor alone.", "当事人、文件夹和授权均以代号显示，即随机编号的开头部分。日志中没有姓名，也没有病历内容，本报告同样没有。但报告中可以看出谁在何时对哪个文件夹做了什么，因此仅供审计人员使用。";
    AboutJudged = "Counts and tables tell what the log’s lines say. Where a stream has a finding, its later events are not judged; they are counted all the same.", "各项数字与表格如实反映日志各行的内容。某条流一旦出现问题，其后的事件不再评判，但仍计入数字。";
    AboutLimits = "What an audit does not find: a world made up from the first day, a log shown differently to somebody else, what nobody has a receipt for, and who looked without an event. Compare the vault’s id and the log’s root with what you have from elsewhere.", "审计无法发现的情形：从第一天起整体伪造的数据、向他人出示的另一份日志、无人持有回执的遗漏，以及不留事件的查看。请将保管库编号和日志根与您从其他途径取得的信息核对。";
    AboutRest = "Tables show the newest rows. All events and grants: ", "表格只列出最新的若干行。全部事件与授权可用以下命令导出：";
    All = "all", "全部";
    AsOf = "As of {}.", "截至 {}。";
    Clearance = "Clearance", "保密级别";
    Count = "Count", "次数";
    DoctorsLeftOut = "{} further doctors opened folders and are not drawn; their openings are in the CSV.", "另有 {} 位医生打开过文件夹，图中未画出；其记录见 CSV。";
    Ended = "Ended", "结束时间";
    EndedGrants = "Grants that ended", "已结束的授权";
    Events = "Events", "事件";
    EventsByKind = "Events by kind", "各类事件";
    FirstIndex = "First bad event", "首个问题事件";
    FirstTime = "First", "首次";
    Findings = "Findings", "发现的问题";
    Folder = "Folder", "文件夹";
    FolderKind = "Kind", "类别";
    Given = "Given", "授予时间";
    GrantsEnded = "Grants ended", "已结束的授权";
    GrantsInForce = "Grants in force", "有效的授权";
    Gravity = "Gravity", "严重程度";
    HeatDesc = "One row for each doctor with the most openings, one column for each week that begins on the Monday shown; the number is how many folders of others were opened.", "每行一位打开次数最多的医生，每列为自所示周一起的一周；数字为该医生打开他人文件夹的次数。";
    HeatTitle = "Doctors and weeks", "医生与周次";
    How = "How", "结束方式";
    InForce = "Grants in force", "有效的授权";
    LastTime = "Last", "末次";
    LogGrowth = "Growth of the log", "日志的增长";
    LogGrowthDesc = "Events in all streams at each epoch of the log.", "日志各时段时所有流中的事件总数。";
    LogRoot = "Root of the log", "日志根";
    LogSize = "Epochs of the log", "日志时段数";
    Made = "Made {}.", "生成于 {}。";
    NoEnd = "no end", "无期限";
    NothingWrong = "Nothing is wrong: the log makes its checkpoint, the streams make the log, and every access that is in it was covered.", "未发现问题：日志与检查点相符，各条流与日志相符，其中每次访问均有授权。";
    None = "There are none.", "没有。";
    NoOpenings = "No folder was opened.", "没有打开过文件夹。";
    NoRefusals = "Nobody was refused.", "没有拒绝任何请求。";
    NoSuspended = "No party that was suspended, barred or without an attestation was refused anything.", "没有被暂停、被禁止或未获认证的当事人遭到拒绝。";
    NothingDrawn = "There is too little to draw.", "数据太少，无法作图。";
    Numbers = "The numbers", "数字";
    Of = "{} of {}", "{} / {}";
    OneEpoch = "The log has one epoch: {} events on {}.", "日志只有一个时段：{} 个事件，{}。";
    Openings = "Openings", "打开次数";
    OpeningsDesc = "How many folders were opened in each span of time, by purpose.", "各时间段内打开文件夹的次数，按用途区分。";
    OpeningsTitle = "Openings over time", "打开文件夹的时间分布";
    Other = "not said", "未说明";
    Owner = "Owner", "所有者";
    Parties = "Parties", "当事人";
    Party = "Party", "当事人";
    Position = "Position", "位置";
    Purpose = "Purpose", "用途";
    Reader = "Reader", "被授权人";
    Reason = "Reason", "原因";
    Receipts = "Receipts looked for", "查对的回执";
    Refusals = "Refusals", "拒绝";
    RefusalsByReason = "Refusals by reason", "按原因统计的拒绝";
    Rights = "Rights", "权限";
    Role = "Role", "身份";
    RowsLeftOut = "Shown are the newest {} of {}; all are in the CSV.", "仅列出最新的 {} 条，共 {} 条；全部见 CSV。";
    RowsLeftOutMost = "Shown are the {} with the most of {}; all are in the CSV.", "仅列出次数最多的 {} 条，共 {} 条；全部见 CSV。";
    FindingsFull = "An audit reports 1,000 findings at the most: there may be more.", "审计最多报告 1,000 个问题，实际可能更多。";
    Search = "Search", "搜索";
    Since = "Since", "起始";
    Skip = "Skip to the report", "跳到报告正文";
    Span = "Events from {} to {}", "事件时间自 {} 至 {}";
    Stream = "Stream", "流";
    Streams = "Streams", "流";
    Summary = "Summary", "概要";
    Suspended = "Parties that tried without a right", "无资格而尝试者";
    SuspendedSaid = "Refusals of parties that were suspended, barred, or without an attestation that held (never given, ended, or withdrawn).", "对被暂停、被禁止，或无有效认证（从未获得、已到期或已撤回）的当事人的拒绝。";
    Title = "Audit report", "审计报告";
    Total = "Total", "合计";
    Unreadable = "Lines that cannot be read", "无法读取的行";
    Until = "Until", "止";
    Utc = "All times are UTC.", "所有时间均为协调世界时（UTC）。";
    Vault = "Vault", "保管库";
    VerdictMissing = "Evidence is missing", "证据缺失";
    VerdictMissingSaid = "Nothing was found to be changed, but not all evidence is there.", "未发现篡改，但证据不完整。";
    VerdictSound = "In order", "一切正常";
    VerdictTampering = "Tampering was found", "发现篡改";
    VerdictTamperingSaid = "Something was changed, hidden, or done without a right. Keep the export as it is.", "有内容被篡改、隐瞒，或存在无权操作。请原样保留导出文件。";
    VerdictWarning = "In order, with warnings", "正常，但有警告";
    VerdictWarningSaid = "Nothing was found to be changed; something is to be looked into, clocks for instance.", "未发现篡改；有些情况需要查看，例如时钟。";
    WeeksLeftOut = "Only the newest {} of {} weeks are drawn.", "图中只画出最近 {} 周，共 {} 周。";
    What = "What", "内容";
    Whole = "the whole", "整体";
}

/// Puts values into words.
pub(super) fn fill(words: &str, values: &[&str]) -> String {
    let (mut said, mut values) = (String::with_capacity(words.len()), values.iter());
    for (place, piece) in words.split("{}").enumerate() {
        if place > 0 {
            said.push_str(values.next().copied().unwrap_or_default());
        }
        said.push_str(piece);
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn is_chinese(words: &str) -> bool {
        words.chars().any(|symbol| ('\u{4e00}'..='\u{9fff}').contains(&symbol))
    }

    #[test]
    fn every_word_is_there_in_both_languages() {
        for word in Word::ALL {
            let [english, chinese] =
                [Language::English, Language::Chinese].map(|language| word.say(language));
            assert!(english.is_ascii() || english.contains('’'), "{word:?}: {english}");
            assert!(
                !english.is_empty() && (is_chinese(chinese) || chinese == "{} / {}"),
                "{word:?}: {chinese}"
            );
            let values = |words: &str| words.matches("{}").count();
            assert_eq!(values(english), values(chinese), "{word:?} takes as many values in both");
        }
    }

    #[test]
    fn values_come_in_their_order() {
        assert_eq!(fill("{} of {}", &["1", "2"]), "1 of 2");
        assert_eq!(fill("共 {} 条", &["<3>"]), "共 <3> 条");
        assert_eq!(fill("none", &["1"]), "none");
    }
}
