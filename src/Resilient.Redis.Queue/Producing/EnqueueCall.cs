namespace Resilient.Redis.Queue.Producing;

internal sealed class EnqueueCall
{
}
