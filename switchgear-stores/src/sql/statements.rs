/// The statements of a table whose records have a partition and an id, for the connection in scope.
///
/// A macro, since to write them for any table and any connection takes more bounds than code.
macro_rules! keyed_statements {
    ($table:ident, $Row:ty) => {
        async fn find(
            connection: &mut Connection,
            partition: String,
            id: String,
        ) -> Result<Option<$Row>, Fault> {
            let row = $table::table
                .find((partition, id))
                .select(<$Row>::as_select())
                .first(connection)
                .await
                .optional()?;
            Ok(row)
        }

        async fn rows(
            connection: &mut Connection,
            partition: String,
            page: Page,
        ) -> Result<Vec<$Row>, Fault> {
            let in_order = $table::table
                .filter($table::partition.eq(&partition))
                .order($table::sequence)
                .limit(paging::limit(page.count))
                .select(<$Row>::as_select());
            let rows = match page.start {
                PageStart::Offset(offset) => {
                    let query = in_order.offset(paging::offset(offset));
                    query.load(connection).await?
                }
                PageStart::After(id) => {
                    let before = diesel::alias!($table as before);
                    let place = before
                        .filter(before.field($table::partition).eq(&partition))
                        .filter(before.field($table::id).eq(id.to_string()))
                        .select(before.field($table::sequence))
                        .single_value();
                    let query = in_order.filter($table::sequence.nullable().gt(place));
                    let rows = query.load(connection).await?;
                    if rows.is_empty()
                        && find(connection, partition, id.to_string()).await?.is_none()
                    {
                        return Err(refusal::page_key_unknown(id).into());
                    }
                    rows
                }
            };
            Ok(rows)
        }

        async fn insert(connection: &mut Connection, row: &$Row) -> Result<(), Fault> {
            diesel::insert_into($table::table)
                .values(row)
                .execute(connection)
                .await?;
            Ok(())
        }

        async fn update(connection: &mut Connection, row: &$Row) -> Result<bool, Fault> {
            let updated = diesel::update($table::table.find((&row.partition, &row.id)))
                .set(row)
                .execute(connection)
                .await?;
            Ok(updated > 0)
        }

        /// Between the two statements other writers may come, of whom one creates the record and the
        /// next deletes it: so both are tried a few times, and then the transaction is repeated.
        async fn replace(connection: &mut Connection, row: &$Row) -> Result<Written, Fault> {
            for _ in 0..Fault::MOST_OVERTAKEN {
                if update(connection, row).await? {
                    return Ok(Written::Updated);
                }
                match insert_beside_others(connection, row).await {
                    Ok(()) => return Ok(Written::Created),
                    Err(fault) if fault.is_taken() => {}
                    Err(fault) => return Err(fault),
                }
            }
            Err(Fault::overtaken())
        }

        /// An insertion whose refusal leaves the transaction whole. A database that needs a savepoint
        /// for that gets one; the fault is the insertion's own, whatever becomes of the savepoint.
        async fn insert_beside_others(
            connection: &mut Connection,
            row: &$Row,
        ) -> Result<(), Fault> {
            type Manager = <Connection as AsyncConnection>::TransactionManager;
            if !REFUSAL_ENDS_TRANSACTION {
                return insert(connection, row).await;
            }
            Manager::begin_transaction(connection).await?;
            match insert(connection, row).await {
                Ok(()) => Ok(Manager::commit_transaction(connection).await?),
                Err(fault) => {
                    // Without its savepoint the transaction fails at its next statement.
                    drop(Manager::rollback_transaction(connection).await);
                    Err(fault)
                }
            }
        }

        async fn delete(
            connection: &mut Connection,
            partition: &Partition,
            id: Uuid,
        ) -> Result<bool, Fault> {
            let row = $table::table.find((partition.as_str(), id.to_string()));
            let deleted = diesel::delete(row).execute(connection).await?;
            Ok(deleted > 0)
        }
    };
}

pub(crate) use keyed_statements;
