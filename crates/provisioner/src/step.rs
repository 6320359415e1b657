//! Steps that are functions.

/// A step of a saga: its word in the journal, what does it, what undoes that where it leaves something behind, and the kind of operation that it has
/// done as a part of itself.
macro_rules! step {
    ($(#[$doc:meta])* $vis:vis $name:ident of $saga:ident, $word:literal, run $run:path $(, undo $undo:path)? $(, limit $limit:expr)? $(, part $part:ty)?) => {
        $(#[$doc])*
        $vis struct $name;

        #[async_trait::async_trait]
        impl common::operations::Step<$saga> for $name {
            fn name(&self) -> &'static str {
                $word
            }

            $(fn limit(&self) -> std::time::Duration {
                $limit
            })?

            $(fn child(&self) -> Option<&'static common::operations::OperationKind> {
                Some(<$part as common::operations::Request>::KIND)
            })?

            async fn run(
                &self,
                context: &common::operations::ContextOf<'_, $saga>,
                state: &mut <$saga as common::operations::Saga>::State,
            ) -> Result<(), common::operations::StepError> {
                $run(context, state).await
            }

            $(async fn undo(
                &self,
                context: &common::operations::ContextOf<'_, $saga>,
                state: &<$saga as common::operations::Saga>::State,
            ) -> Result<(), common::operations::StepError> {
                $undo(context, state).await
            })?
        }
    };
}
pub(crate) use step;
