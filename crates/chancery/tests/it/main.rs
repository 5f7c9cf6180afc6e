//! Stories through the public interface, each on both databases.

mod apply_csr;
mod apply_errors;
mod apply_hostile;
mod apply_kit;
mod apply_money;
mod apply_names;
mod apply_parameters;
mod apply_products;
mod apply_replies;
mod caa;
mod clock;
mod collect;
mod crash;
mod crl;
mod dcv_files;
mod dcv_lists;
mod dcv_mail;
mod dcv_records;
mod decode_csr;
mod kit;
mod mails;
mod matrix;
mod replace;
mod road;
mod steps;
mod tools;
