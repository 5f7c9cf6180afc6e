"""Judges every certificate and CRL of a folder with pkilint, in one go.

    python lint_all.py FOLDER

FOLDER/*.crt are DER certificates, judged as `lint_cabf_serverauth_cert lint -d` does; those with a policy of S/MIME as
`lint_cabf_smime_cert lint -d`, and their CAs as `lint_pkix_cert lint`. FOLDER/*.crl are DER lists of subordinate CAs and
FOLDER/*.arl of roots, judged as `lint_crl lint -p BR -t CRL|ARL` does. Printed is one JSON object:
file name -> {"type": what it was taken for, "findings": [[severity, code, message], ...]}, from WARNING upwards.
"""

import json
import multiprocessing
import pathlib
import sys

from pkilint import finding_filter, loader, pkix
from pkilint.cabf import cabf_crl, serverauth, smime
from pkilint.pkix import certificate, crl, extension, name
from pkilint.validation import ValidationFindingSeverity

VALIDATORS = {}


def certificate_validator(kind):
    if kind not in VALIDATORS:
        VALIDATORS[kind] = certificate.create_pkix_certificate_validator_container(
            serverauth.create_decoding_validators(), serverauth.create_validators(kind)
        )
    return VALIDATORS[kind]


def mail_validator(kind):
    if kind not in VALIDATORS:
        VALIDATORS[kind] = certificate.create_pkix_certificate_validator_container(
            smime.create_decoding_validators(), smime.create_subscriber_validators(*kind)
        )
    return VALIDATORS[kind]


def mail_ca_validator():
    return certificate.create_pkix_certificate_validator_container(
        certificate.create_decoding_validators(name.ATTRIBUTE_TYPE_MAPPINGS, extension.EXTENSION_MAPPINGS),
        [
            certificate.create_issuer_validator_container([]),
            certificate.create_validity_validator_container(),
            certificate.create_subject_validator_container([]),
            certificate.create_extensions_validator_container([]),
            certificate.create_spki_validator_container([]),
        ],
    )


def judge_mail(document, kind):
    if document.is_ca:
        return "MAIL-CA", mail_ca_validator().validate(document.root)
    return "-".join(map(str, kind)), mail_validator(kind).validate(document.root)


def judge_server(document):
    kind = serverauth.determine_certificate_type(document)
    results = certificate_validator(kind).validate(document.root)
    results, _ = finding_filter.filter_results(serverauth.create_serverauth_finding_filters(kind), results)
    return kind.to_option_str, results


def crl_validator(kind):
    if kind not in VALIDATORS:
        VALIDATORS[kind] = crl.create_pkix_crl_validator_container(
            [
                pkix.create_attribute_decoder(name.ATTRIBUTE_TYPE_MAPPINGS),
                pkix.create_extension_decoder(extension.EXTENSION_MAPPINGS),
            ],
            [
                crl.create_issuer_validator_container([]),
                crl.create_validity_validator_container([cabf_crl.create_validity_period_validator(kind)]),
                crl.create_extensions_validator_container([]),
                cabf_crl.CabfCrlReasonCodeAllowlistValidator(kind),
            ],
        )
    return VALIDATORS[kind]


def judge(path):
    path = pathlib.Path(path)
    if path.suffix == ".crt":
        document = loader.RFC5280CertificateDocumentLoader().load_der_document(path.read_bytes())
        mail = smime.determine_validation_level_and_generation(document)
        word, results = judge_mail(document, mail) if mail else judge_server(document)
    else:
        document = loader.RFC5280CertificateListDocumentLoader().load_der_document(path.read_bytes())
        word = {".crl": "CRL", ".arl": "ARL"}[path.suffix]
        results = crl_validator(crl.CertificateRevocationListType[word]).validate(document.root)
    findings = [
        [described.finding.severity.name, described.finding.code, str(described.message or "")]
        for result in results
        for described in result.finding_descriptions
        if described.finding.severity <= ValidationFindingSeverity.WARNING
    ]
    return path.name, {"type": word, "findings": findings}


def main(folder):
    wanted = (".crt", ".crl", ".arl")
    paths = sorted(str(p) for p in pathlib.Path(folder).iterdir() if p.suffix in wanted)
    with multiprocessing.Pool(2) as pool:
        judged = dict(pool.imap_unordered(judge, paths, chunksize=8))
    json.dump(judged, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
