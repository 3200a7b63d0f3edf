/**
 * Transactions since the oldest row that is not frozen, above which alarms and `doctor` report a server. Autovacuum freezes from 200 million
 * on (`autovacuum_freeze_max_age`), so many more mean that something blocks it.
 * https://aws.amazon.com/blogs/database/implement-an-early-warning-system-for-transaction-id-wraparound-in-amazon-rds-for-postgresql/
 */
export const OLD_TRANSACTIONS = 500_000_000;
