namespace Resilient.Redis.Queue.Torture;

public static class Program
{
    public static int Main() => 0;
}
