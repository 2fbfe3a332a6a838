//! The words of coded values: in English the code's own, in Chinese these.

use crate::{
    access::Denial,
    audit::{Fault, Gravity},
    consent::{Purpose, Rights},
    event::Verb,
    folder::{Clearance, FolderKind},
    party::Role,
    report::{Language, consents::State},
};

/// A coded value that people read.
pub(in crate::report) trait Said: Copy {
    /// The words in a language.
    fn say(self, language: Language) -> &'static str;
}

macro_rules! said {
    ($($name:ident { $($variant:ident = $chinese:literal;)+ })+) => {$(
        impl Said for $name {
            fn say(self, language: Language) -> &'static str {
                match language {
                    Language::English => self.word(),
                    Language::Chinese => match self { $(Self::$variant => $chinese,)+ },
                }
            }
        }
    )+};
}

said! {
    Clearance {
        Normal = "普通";
        Restricted = "受限";
        VeryRestricted = "高度受限";
    }
    Denial {
        Absent = "没有该文件夹，或没有授权";
        Barred = "当事人已被禁止";
        Clearance = "授权达不到该保密级别";
        ClockSkew = "双方时钟相差太大";
        Closed = "病例已关闭";
        Expired = "授权已到期";
        Identity = "身份不能以这种方式授权";
        Lapsed = "病例已因长期闲置而关闭";
        NotAssigned = "医生未被指派到该病例";
        NotAttested = "当事人未获认证";
        NotOwner = "只有所有者可以这样做";
        NotPublic = "没有该公共区";
        NotYet = "授权尚未开始";
        OwnRuling = "申诉须由另一位登记员裁定";
        PersonKnown = "此人已有有效的证卡";
        ReadOnly = "授权不含写入权";
        Revoked = "授权已撤销";
        Shared = "病例已共享，或策展人已收到";
        Suspended = "当事人已被暂停";
        Terms = "条款超出政策允许范围";
        TooManyCases = "未关闭的病例太多";
        TooManyToday = "今日次数已满";
        Unknown = "操作者身份不明，或未签名";
        Unwilling = "医生不接此病例";
        Vetted = "审核已结束";
        WrongCard = "授权针对另一张证卡";
        WrongRole = "该身份没有这项权利";
    }
    Fault {
        Checkpoint = "检查点不属于此保管库，或与保留的检查点不衔接";
        Folder = "与文件夹此前的内容不衔接";
        Grant = "授权与事件所述不符，或不得授予";
        Identity = "身份未经指派、本人或审核而被打开";
        Log = "日志与检查点不符";
        Malformed = "不是该格式的行";
        Map = "各条流的头与总表不符";
        Missing = "某条流缺失，或没有对应的头";
        Omitted = "回执所承诺的内容不存在";
        Release = "公开的内容与其发布记录不符";
        Gate = "某批病例未通过其政策的发布门槛";
        Policy = "政策未经足够的登记员签署，或被遗漏";
        Position = "有位置被遗漏或重复";
        Registrar = "只有当时的登记员可以这样做";
        Repeated = "同一操作出现两次";
        Seen = "操作者声称看到了从未存在的内容";
        Signature = "签名与所称的签名人不符";
        Standing = "当事人当时已被暂停或禁止";
        Stream = "流与其头所述不符";
        Time = "时间顺序有误";
        Unattested = "当事人当时未获认证";
        Uncovered = "没有当时有效的授权";
        Unwitnessed = "见证检查点的见证人少于政策要求";
    }
    FolderKind {
        Case = "病例";
        Credentials = "资质";
        Identity = "身份";
        Summary = "急救摘要";
    }
    Gravity {
        Missing = "证据缺失";
        Tampering = "篡改";
        Warning = "警告";
    }
    Purpose {
        Opinion = "第二意见";
        Own = "本人使用";
        Treatment = "治疗";
        Vetting = "审核";
    }
    Rights {
        Read = "读";
        ReadWrite = "读写";
    }
    Role {
        Auditor = "审计员";
        Curator = "策展人";
        Doctor = "医生";
        Patient = "患者";
        Registrar = "登记员";
    }
    Verb {
        Amend = "修订记录";
        Appeal = "对裁定申诉";
        Assign = "指派医生并授予身份";
        Attest = "认证";
        Block = "更改拒诊名单";
        Close = "关闭病例";
        Create = "建立保管库";
        Deny = "拒绝请求";
        Enrol = "登记";
        Equip = "制作登记员密钥";
        Export = "取走审计导出";
        Govern = "签署政策";
        Grant = "授权";
        List = "发布名录";
        Open = "打开文件夹";
        OpenFolder = "新建文件夹";
        Refuse = "拒绝认证";
        Release = "发布到公共区";
        Report = "向登记员举报";
        Restore = "从备份恢复";
        Retract = "从公共区收回";
        Reveal = "透露姓名";
        Revoke = "撤销访问";
        Rotate = "更换密钥";
        Rule = "裁定";
        Share = "共享到公共区";
        Stage = "预送记录";
        Withdraw = "撤回认证";
        Write = "写入记录";
    }
}

impl State {
    const fn word(self) -> &'static str {
        match self {
            Self::Ahead => "has not begun",
            Self::Expired => "expired",
            Self::InForce => "in force",
            Self::LeftOut => "left out",
            Self::Revoked => "revoked",
        }
    }
}

said! {
    State {
        Ahead = "尚未开始";
        Expired = "已到期";
        InForce = "有效";
        LeftOut = "换钥后除名";
        Revoked = "已撤销";
    }
}

/// The name of a gravity for style sheets.
pub(in crate::report) const fn gravity(gravity: Gravity) -> &'static str {
    match gravity {
        Gravity::Missing => "missing",
        Gravity::Tampering => "tampering",
        Gravity::Warning => "warning",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: Said + std::fmt::Debug>(all: &[T]) {
        assert!(!all.is_empty());
        for value in all {
            let [english, chinese] =
                [Language::English, Language::Chinese].map(|language| value.say(language));
            assert!(english.is_ascii() && !english.is_empty(), "{value:?}");
            assert!(crate::report::words::tests::is_chinese(chinese), "{value:?}");
        }
    }

    #[test]
    fn every_coded_value_is_said_in_both_languages() {
        check(Clearance::ALL);
        check(Denial::ALL);
        check(Fault::ALL);
        check(FolderKind::ALL);
        check(Gravity::ALL);
        check(Purpose::ALL);
        check(Rights::ALL);
        check(Role::ALL);
        check(Verb::ALL);
        check(&[State::Ahead, State::Expired, State::InForce, State::LeftOut, State::Revoked]);
    }
}
