//! Where a service is.
//!
//! A guest may name a host, because services have rules of their own for theirs and the library inside the guest knows them. It
//! must be one of AWS's own, and none that customers run: a signed request goes nowhere else.

use reqwest::Url;
use runwright_model::capability::{Error, aws::Request};

use crate::config::Account;

/// A part of AWS with regions and names of its own.
pub(crate) struct Partition {
    /// As it stands in ARNs.
    pub(crate) name: &'static str,
    /// How its regions begin.
    regions: &'static str,
    /// The domain of its endpoints.
    domain: &'static str,
}

/// The first whose regions begin so. The last fits every region.
const PARTITIONS: [Partition; 7] = [
    Partition {
        name: "aws-cn",
        regions: "cn-",
        domain: "amazonaws.com.cn",
    },
    Partition {
        name: "aws-us-gov",
        regions: "us-gov-",
        domain: "amazonaws.com",
    },
    Partition {
        name: "aws-iso",
        regions: "us-iso-",
        domain: "c2s.ic.gov",
    },
    Partition {
        name: "aws-iso-b",
        regions: "us-isob-",
        domain: "sc2s.sgov.gov",
    },
    Partition {
        name: "aws-iso-e",
        regions: "eu-isoe-",
        domain: "cloud.adc-e.uk",
    },
    Partition {
        name: "aws-eusc",
        regions: "eusc-",
        domain: "amazonaws.eu",
    },
    Partition {
        name: "aws",
        regions: "",
        domain: "amazonaws.com",
    },
];

/// Domains of endpoints beside those of the partitions.
const OTHER_DOMAINS: [&str; 2] = ["api.aws", "api.amazonwebservices.com.cn"];
/// Parts of names below which machines of customers are.
const OF_CUSTOMERS: [&str; 4] = ["compute", "compute-1", "elb", "compute-internal"];

/// The partition of a region.
pub(crate) fn partition(region: &str) -> &'static Partition {
    let found = PARTITIONS
        .iter()
        .find(|partition| region.starts_with(partition.regions));
    found.expect("the last partition fits every region")
}

/// The address of a request. Its path and query are as the guest wrote them.
///
/// # Errors
///
/// `Invalid`.
pub(crate) fn url(request: &Request, account: &Account) -> Result<Url, Error> {
    if !request.path.starts_with('/') {
        return Err(Error::Invalid(format!(
            "the path `{}` of a request does not begin with a slash",
            request.path
        )));
    }
    let base = match account.endpoint(&request.service) {
        Some(set) => set.trim_end_matches('/').to_owned(),
        None => format!("https://{}", host(request, account.region())?),
    };
    let text = format!("{base}{}", request.path);
    Url::parse(&text).map_err(|error| Error::Invalid(format!("`{text}` is no address of a service: {error}")))
}

fn host(request: &Request, region: &str) -> Result<String, Error> {
    if let Some(host) = &request.host {
        return if is_of_aws(host) {
            Ok(host.clone())
        } else {
            Err(Error::Invalid(format!(
                "`{host}` is no host of AWS, and signed requests go to no other; for a private cloud, set AWS_ENDPOINT_URL"
            )))
        };
    }
    let region = request.region.as_deref().unwrap_or(region);
    let plain = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
    };
    if plain(&request.service) && plain(region) {
        Ok(format!("{}.{region}.{}", request.service, partition(region).domain))
    } else {
        Err(Error::Invalid(format!(
            "`{}` in `{region}` is no service in a region",
            request.service
        )))
    }
}

fn is_of_aws(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let domains = PARTITIONS.iter().map(|partition| partition.domain).chain(OTHER_DOMAINS);
    let below = |domain: &str| {
        host.strip_suffix(domain)
            .is_some_and(|rest| rest.ends_with('.') && rest.len() > 1)
    };
    let plain = host
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    plain && domains.into_iter().any(below) && !host.split('.').any(|part| OF_CUSTOMERS.contains(&part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_of_aws_get_signed_requests() {
        for good in [
            "ec2.eu-north-1.amazonaws.com",
            "iam.amazonaws.com",
            "s3.dualstack.us-east-1.amazonaws.com",
            "sts.cn-north-1.amazonaws.com.cn",
            "ec2.us-east-1.api.aws",
        ] {
            assert!(is_of_aws(good), "{good}");
        }
        for bad in [
            "amazonaws.com",
            "evil.example",
            "amazonaws.com.evil.example",
            "notamazonaws.com",
            "ec2.amazonaws.com@evil.example",
            "ec2-1-2-3-4.compute-1.amazonaws.com",
            "x.eu-north-1.elb.amazonaws.com",
            "",
        ] {
            assert!(!is_of_aws(bad), "{bad}");
        }
    }

    #[test]
    fn without_a_host_the_usual_one_counts() {
        let request = |service: &str, region: &str| Request {
            service: service.into(),
            region: Some(region.into()),
            ..Request::default()
        };
        assert_eq!(
            host(&request("ec2", "eu-north-1"), "x").unwrap(),
            "ec2.eu-north-1.amazonaws.com"
        );
        assert_eq!(
            host(&request("ec2", "cn-north-1"), "x").unwrap(),
            "ec2.cn-north-1.amazonaws.com.cn"
        );
        assert!(host(&request("evil.example/", "eu-north-1"), "x").is_err());
        assert_eq!(partition("us-gov-west-1").name, "aws-us-gov");
        assert_eq!(partition("eu-north-1").name, "aws");
    }
}
